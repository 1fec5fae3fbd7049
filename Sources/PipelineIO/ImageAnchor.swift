// SPDX-License-Identifier: Apache-2.0
package import Files
import Foundation
package import PipelineCore
import Synchronization

/// Rewrites the relative paths of a record's images for a file in another folder, so that they lead to the same images.
///
/// A relative path starts from the folder of the file that its record is read from. A record that is written to a file elsewhere
/// names its images as seen from there; on standard output, whose folder nobody knows, it keeps its own words. A path with no file
/// at its end keeps its words too.
package final class ImageAnchor: Sendable {
  /// The folder of the file that is written; nil for standard output.
  private let folder: String?
  private let kept: String?
  /// Further folders that the user allows images to lie in.
  private let roots: [String]
  private let notes: WrittenFolders
  private static let search = ByteSearch("\"image")
  private let ways = Mutex<[String: String]>([:])

  /// A field's text in a file's records, and what becomes of it; nil if it stays.
  private struct Known {
    let file: String
    let text: [UInt8]
    let value: JSONValue?

    /// Whether these are the bytes that it is known for.
    func holds(_ bytes: UnsafeRawBufferPointer) -> Bool {
      guard text.count == bytes.count, let start = bytes.baseAddress else { return text.isEmpty && bytes.isEmpty }
      return text.withUnsafeBytes { $0.baseAddress.map { memcmp($0, start, bytes.count) == 0 } ?? false }
    }
  }

  private let known = Mutex<[UInt64: Known]>([:])
  private static let mostKnown = 1_024
  private static let longestKnown = 16 << 10

  /// Anchors images to the folder of a file; for `-` they stay as they are.
  ///
  /// - Parameters:
  ///   - kept: A folder whose images are named as seen from there already; nil for none.
  ///   - roots: Further folders that the user allows images to lie in.
  ///   - notes: Where it is noted that what is written names images elsewhere, so that it can be read again.
  package init(
    writing path: String, keeping kept: String? = nil, roots: [String] = [], notes: WrittenFolders = .standard
  ) {
    self.kept = kept.map { $0 + "/" }
    self.roots = roots
    self.notes = notes
    folder = path == "-" ? nil : path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  }

  /// Anchors images to a folder.
  package init(folder: String, roots: [String] = [], notes: WrittenFolders = .standard) {
    self.folder = folder
    self.roots = roots
    self.notes = notes
    kept = nil
  }

  /// The trajectory with the addresses of its images as seen from where it is written; itself if they stay.
  ///
  /// - Throws: When the record can no longer be read.
  package func anchored(_ trajectory: Trajectory) throws -> Trajectory {
    try anchored(trajectory) { field, body in try trajectory.record.withBytes(of: field, body) ?? nil }
  }

  /// The same for a trajectory whose line has been read.
  func anchored(_ trajectory: Trajectory, line: UnsafeRawBufferPointer) throws -> Trajectory {
    try anchored(trajectory) { field, body in
      guard let member = trajectory.record.member(of: field) else { return nil }
      return try body(UnsafeRawBufferPointer(rebasing: line[member.value]))
    }
  }

  /// Hands over the bytes of a field's value in the record; nil for one that it does not have.
  private typealias FieldReader = (Field, (UnsafeRawBufferPointer) throws -> JSONValue?) throws -> JSONValue?

  private func anchored(_ trajectory: Trajectory, _ read: FieldReader) throws -> Trajectory {
    var moved = trajectory
    for field in [Field.prompt, .images] {
      if let value = try anchored(field, of: trajectory, read) { moved.set(field, to: value) }
    }
    return moved
  }

  /// The new value of a field that names images; nil if it stays.
  private func anchored(_ field: Field, of trajectory: Trajectory, _ read: FieldReader) throws -> JSONValue? {
    if trajectory.overrides.contains(where: { $0.field == field }) {
      return try trajectory.value(of: field).flatMap { anchored($0, field, from: trajectory.record.file) }
    }
    // The rollouts of a group have the same prompt, and most prompts have no image: neither is parsed again and again.
    return try read(field) { bytes in
      guard field == .images || Self.search.first(in: bytes) != nil else { return nil }
      let file = trajectory.record.file
      let hash = ContentHash.of(bytes)
      if let known = known.withLock({ $0[hash] }), known.file == file, known.holds(bytes) { return known.value }
      let value = anchored(try JSONValue(parsing: bytes), field, from: file)
      // A prompt that holds an image's bytes is not kept.
      if bytes.count <= Self.longestKnown {
        known.withLock { known in
          if known.count >= Self.mostKnown { known = [:] }
          known[hash] = Known(file: file, text: Array(bytes), value: value)
        }
      }
      return value
    }
  }

  private func anchored(_ value: JSONValue, _ field: Field, from file: String) -> JSONValue? {
    guard let elements = value.arrayValue else { return nil }
    let way = way(from: Trajectory.folder(of: file))
    if way.words.isEmpty { return nil }
    let anchored = JSONValue.array(elements.map { field == .images ? entry($0, way) : message($0, way) })
    return anchored == value ? nil : anchored
  }

  /// A record with the addresses of its images as seen from where it is written; itself if they stay.
  ///
  /// - Parameter source: The folder of the file that the record is read from; empty for the working folder.
  package func anchored(_ record: JSONValue, from source: String) -> JSONValue {
    guard let members = record.objectValue, members.contains(where: { $0.key == "images" || Self.holdsParts($0) })
    else { return record }
    let way = way(from: source)
    if way.words.isEmpty { return record }
    return .object(
      members.map { member in
        guard let elements = member.value.arrayValue else { return member }
        switch member.key {
        case "prompt": return .init(member.key, .array(elements.map { message($0, way) }))
        case "images": return .init(member.key, .array(elements.map { entry($0, way) }))
        default: return member
        }
      })
  }

  private static func holdsParts(_ member: JSONValue.Member) -> Bool {
    member.key == "prompt" && (member.value.arrayValue ?? []).contains { $0["content"]?.arrayValue != nil }
  }

  /// How to get from where a record is written to what it names.
  private struct Way {
    /// The folder that its paths start from.
    var source: String
    /// What goes before a relative path; empty for nothing.
    var words: String
  }

  private func way(from source: String) -> Way { Way(source: source, words: words(from: source)) }

  private func words(from source: String) -> String {
    guard let folder else { return "" }
    return ways.withLock { ways in
      if let known = ways[source] { return known }
      let start = source.isEmpty ? "." : source
      var way = RelativePath.path(from: folder, to: start)
      way = way == "." ? "" : way + (way.hasSuffix("/") ? "" : "/")
      if !way.isEmpty { notes.note(folder: folder, imagesIn: [start] + notes.roots(of: start) + roots) }
      ways[source] = way
      return way
    }
  }

  private func message(_ message: JSONValue, _ way: Way) -> JSONValue {
    guard let parts = message["content"]?.arrayValue, let members = message.objectValue else { return message }
    let content = JSONValue.array(
      parts.map { part in
        guard var image = ChatImage(part: part), leads(image.address, way) else { return part }
        image.address = way.words + image.address
        return image.json
      })
    return .object(members.map { $0.key == "content" ? .init("content", content) : $0 })
  }

  private func entry(_ entry: JSONValue, _ way: Way) -> JSONValue {
    if let address = entry.stringValue { return leads(address, way) ? .string(way.words + address) : entry }
    guard let members = entry.objectValue else { return entry }
    return .object(
      members.map { member in
        guard ["path", "image", "url"].contains(member.key), let address = member.value.stringValue,
          leads(address, way)
        else { return member }
        return .init(member.key, .string(way.words + address))
      })
  }

  /// Whether an address is a path that starts from the record's folder, with a file at its end; any other stays as it is.
  private func leads(_ address: String, _ way: Way) -> Bool {
    isRelative(address) && access(way.source.isEmpty ? address : way.source + "/" + address, F_OK) == 0
  }

  /// Whether an address is a path that starts from the record's folder.
  private func isRelative(_ address: String) -> Bool {
    guard !address.isEmpty, !address.hasPrefix("/"), kept.map({ !address.hasPrefix($0) }) ?? true else { return false }
    guard let colon = address.prefix(32).firstIndex(of: ":") else { return true }
    return !(address[colon...].hasPrefix("://") || address[..<colon].lowercased() == "data")
  }
}
