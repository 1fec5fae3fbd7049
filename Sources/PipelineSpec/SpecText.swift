// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore

/// A spec as text: its origin, and its conversion to a tree.
package struct SpecText: Sendable {
  /// The syntax of a spec.
  package enum Format: Sendable, Hashable {
    /// JSON, with comments.
    case json
    /// YAML.
    case yaml
  }

  /// The most bytes that a spec may have.
  package static let sizeLimit = 16 << 20

  /// The file, as the user named it.
  package let file: String
  /// The text's bytes.
  package let bytes: [UInt8]

  /// A text that is already in memory.
  package init(_ text: String, file: String) {
    self.file = file
    self.bytes = Array(text.utf8)
  }

  /// The bytes of a text that is already in memory.
  package init(bytes: [UInt8], file: String) {
    self.file = file
    self.bytes = bytes
  }

  /// Reads a file.
  ///
  /// - Parameter kind: The kind of file, for messages.
  /// - Throws: ``PipelineError`` with the remedy when the file does not exist or cannot be read.
  package init(contentsOf file: String, kind: String = "spec") throws {
    let remedy = "give the path of a \(kind) (.json or .yaml)"
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
      throw PipelineError(.inputOutput, "no such file: \(file); \(remedy)")
    }
    guard !isDirectory.boolValue else {
      throw PipelineError(.inputOutput, "\(file) is a folder; \(remedy) in it")
    }
    guard let handle = FileHandle(forReadingAtPath: file) else {
      throw PipelineError(.inputOutput, "cannot open \(file); check that you may read it")
    }
    defer { try? handle.close() }
    var bytes: [UInt8] = []
    do {
      while bytes.count <= Self.sizeLimit, let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
        bytes.append(contentsOf: chunk)
      }
    } catch {
      throw PipelineError(.inputOutput, "cannot read \(file): \(error)")
    }
    guard bytes.count <= Self.sizeLimit else {
      throw PipelineError(
        .invalidSpec, "\(file) has more than \(Self.sizeLimit >> 20) MiB; is it a \(kind), or the data of one?")
    }
    self.init(bytes: bytes, file: file)
  }

  /// The text as a tree with the place of every key and value.
  ///
  /// - Throws: ``PipelineError`` with the place of the first mistake.
  package func tree() throws -> OptionTree {
    var bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    let positions = TextPositions(file: file, bytes: bytes)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PipelineError(
        .invalidSpec, "not UTF-8; save the file with that encoding",
        at: positions.location(of: Self.firstInvalidByte(bytes)))
    }
    if let offset = bytes.firstIndex(of: 0) {
      throw PipelineError(
        .invalidSpec, "a NUL byte; this is no text file", at: positions.location(of: offset))
    }
    guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
      throw PipelineError(
        .invalidSpec, "the file is empty; a spec has at least 'source' and 'stages'",
        at: SourceLocation(file: file, line: 1, column: 1))
    }
    switch format(bytes) {
    case .json: return try JSONText.tree(of: bytes, file: file)
    case .yaml: return try YAMLText.tree(of: text, file: file)
    }
  }

  /// By the file's extension; without a known one, JSON begins with a bracket or a comment.
  private func format(_ bytes: [UInt8]) -> Format {
    let name = file.split(separator: "/").last.map(String.init) ?? file
    switch name.split(separator: ".").dropFirst().last?.lowercased() {
    case "json", "jsonc": return .json
    case "yaml", "yml": return .yaml
    default:
      let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
      return [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "/")].contains(first) ? .json : .yaml
    }
  }

  private static func firstInvalidByte(_ bytes: [UInt8]) -> Int {
    let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
    var offset = 0
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      if scalar == "\u{FFFD}", !bytes[offset...].starts(with: replacement) { return offset }
      offset += scalar.utf8.count
    }
    return offset
  }
}
