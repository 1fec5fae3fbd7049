// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
package import PipelineCore

extension MediaAccess {
  /// Checks that an image lies where the user allows it, wherever links lead.
  ///
  /// - Parameter folder: The folder of the record's file; empty for the working folder.
  /// - Returns: The path to open, without links; nil for an image that is no file.
  /// - Throws: ``PipelineError`` with the remedy for an image that lies elsewhere.
  package func confined(_ source: ImageSource, to folder: String) throws -> String? {
    guard case .file(let path) = source else { return nil }
    let home = folder.isEmpty ? "." : folder
    let roots = roots + WrittenFolders.standard.roots(of: home)
    let allowed = ([home] + roots).map { Self.real($0) ?? Self.absolute($0) }
    guard let real = Self.real(path) else {
      // Whether there is such a file outside is nobody's business.
      let asWritten = Self.absolute(path)
      let places = allowed + ([home] + roots).map(Self.absolute)
      guard places.contains(where: { Self.lies(asWritten, in: $0) }) else { throw Self.outside(path, asWritten, home) }
      return path
    }
    guard allowed.contains(where: { Self.lies(real, in: $0) }) else { throw Self.outside(path, real, home) }
    return real
  }

  private static func outside(_ path: String, _ real: String, _ home: String) -> PipelineError {
    let folder = (real as NSString).deletingLastPathComponent
    let place = home == "." ? "the working folder" : "the data's folder (\(home.shortenedForMessage))"
    return PipelineError(
      .invalidData,
      "\(path.shortenedForMessage): the image lies outside \(place); if images there are meant, name their folder in the "
        + "source, \"image_roots\": [\"\(folder.shortenedForMessage)\"], or with --image-root")
  }

  private static func real(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  /// The path from the root, without `.` and `..`, as far as that can be told without looking.
  private static func absolute(_ path: String) -> String {
    let whole = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Compared byte by byte: two spellings of "é" name two folders.
  private static func lies(_ path: String, in folder: String) -> Bool {
    let (path, folder) = (Array(path.utf8), Array(folder.utf8))
    if folder == [UInt8(ascii: "/")] { return true }
    return path.starts(with: folder) && (path.count == folder.count || path[folder.count] == UInt8(ascii: "/"))
  }
}
