// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// A report as a folder: the page, `data/` with a script for each piece, and `pictures/`.
package final class FolderSink: ReportSink {
  /// The folder.
  package let path: String
  private let folder: Folder

  /// Makes the folders within one that exists, and writes the page.
  package init(path: String) throws {
    self.path = path
    folder = try Folder(path: path)
    _ = try folder.folder("data", making: true)
    _ = try folder.folder("pictures", making: true)
    for file in PageFile.all { try write(file.bytes, as: file.name) }
  }

  /// Adds a piece of data.
  package func add(_ part: ReportPart) throws {
    if part.kind == .manifest {
      // A page that is open reads it again and again, and must not see half of it.
      try folder.replace("data/" + part.file, with: part.script, durable: false)
    } else {
      try write(part.script, as: "data/" + part.file)
    }
  }

  /// Adds an image file.
  package func add(picture name: String, _ bytes: [UInt8]) throws { try write(bytes, as: "pictures/" + name) }

  private func write(_ bytes: [UInt8], as name: String) throws {
    guard let file = try folder.open(name, O_WRONLY | O_CREAT | O_TRUNC) else {
      throw SystemError.current("cannot write", folder.path(of: name), code: ENOENT)
    }
    try bytes.withUnsafeBytes { try file.write($0) }
  }
}
