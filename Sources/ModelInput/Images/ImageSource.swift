// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// Where the bytes of an image are: a file, or the reference itself.
package enum ImageSource: Sendable, Hashable {
  /// A file, by absolute path or relative to the working directory.
  case file(path: String)
  /// The base64 part of a data URI.
  case base64(Substring)

  /// Reads a reference in a record: a path, a `file://` URL or a `data:` URI with base64.
  ///
  /// - Parameters:
  ///   - reference: The reference in the record.
  ///   - folder: The folder that relative paths start from; empty for the working directory.
  /// - Throws: ``PipelineError`` for other kinds of reference, with the remedy.
  package init(_ reference: String, relativeTo folder: String) throws {
    func fault(_ reason: String) -> PipelineError {
      PipelineError(.invalidData, "image \(reference.quotedForMessage): \(reason)")
    }
    guard !reference.isEmpty else { throw fault("the reference is empty; give a path or a data URI") }
    guard !reference.utf8.contains(0) else { throw fault("a path holds no NUL; give the path of a file") }
    let scheme = Self.scheme(of: reference)
    switch scheme {
    case "http", "https":
      throw fault("images are not fetched from the network; download it and give the path of the file")
    case "data":
      guard let comma = reference.firstIndex(of: ",") else { throw fault("a data URI has a comma before the data") }
      guard reference[..<comma].lowercased().hasSuffix(";base64") else {
        throw fault("only data URIs with base64 are read; write data:image/png;base64,…")
      }
      self = .base64(reference[reference.index(after: comma)...])
    case "file":
      var path = reference.dropFirst("file://".count)
      if path.hasPrefix("localhost/") { path = path.dropFirst("localhost".count) }
      guard path.hasPrefix("/"), let decoded = String(path).removingPercentEncoding, !decoded.utf8.contains(0) else {
        throw fault("a file URL is written file:///absolute/path; give it so, or as a path without file://")
      }
      self = .file(path: decoded)
    case "":
      let isAbsolute = reference.hasPrefix("/") || folder.isEmpty
      self = .file(path: isAbsolute ? reference : folder + (folder.hasSuffix("/") ? "" : "/") + reference)
    default:
      throw fault("'\(scheme)' references are not read; download it and give the path of the file")
    }
  }

  /// Its name in messages.
  package var name: String {
    switch self {
    case .file(let path): path.shortenedForMessage
    case .base64(let text): "image in a data URI of \(text.utf8.count) characters"
    }
  }

  /// The bytes.
  ///
  /// - Parameter confined: Where a file lies without links; nil to open it as it is named.
  /// - Throws: ``PipelineError`` when they cannot be read or exceed `limits`.
  package func read(limits: ImageLimits = ImageLimits(), confined: String? = nil) throws -> [UInt8] {
    switch self {
    case .file(let path): return try ImageFile(path: path, confined: confined).read(limits: limits)
    case .base64(let text):
      // Four characters carry three bytes, and line breaks are skipped.
      guard text.utf8.count / 4 <= limits.bytes / 3 + 1 else {
        throw ImageFailure.tooManyBytes(text.utf8.count / 4 * 3, name, limits)
      }
      guard let data = Data(base64Encoded: Data(text.utf8), options: .ignoreUnknownCharacters) else {
        throw PipelineError(.invalidData, "\(name): not base64, or cut off; encode the file again, padding included")
      }
      return [UInt8](data)
    }
  }

  /// The scheme of `scheme://rest` or `data:rest`, in lower case; empty for a path.
  private static func scheme(of reference: String) -> String {
    let start = reference.prefix(32)
    guard let colon = start.firstIndex(of: ":") else { return "" }
    let scheme = start[..<colon].lowercased()
    return scheme == "data" || reference[colon...].hasPrefix("://") ? scheme : ""
  }
}
