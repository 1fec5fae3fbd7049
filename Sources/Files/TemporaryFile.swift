// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// Makes files without a name in the system's folder for temporary ones.
package enum TemporaryFile {
  /// A file to write and read, which vanishes with the process, however that ends.
  package static func make() throws -> FileDescriptor {
    let folder = FileManager.default.temporaryDirectory.path
    var template = Array((folder + "/shuffle-r1-spool-XXXXXX").utf8CString)
    let rawValue = mkstemp(&template)
    guard rawValue >= 0 else { throw SystemError.current("cannot make a temporary file in", folder) }
    unlink(template)
    return FileDescriptor(rawValue, path: "a temporary file in \(folder)")
  }
}
