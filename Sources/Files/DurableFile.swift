// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Files that are on the disk once a call has returned.
package enum DurableFile {
  /// Creates a file, which must not exist.
  package static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    let file = try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, or: "cannot write")
    try Array(bytes).withUnsafeBytes { try file.write($0) }
    try file.synchronize()
  }
}
