// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineSpec

/// Whose specs may run the code that they name: a file in the user's folder for configurations.
///
/// An entry is a folder, whose specs are all trusted, or one spec with the code that it named when it was trusted.
struct TrustStore {
  /// What is trusted.
  enum Entry: Hashable {
    /// All specs in a folder and below it, whatever code they name.
    case folder(String)
    /// A spec, for as long as it names the same code.
    case spec(String, code: String)
  }

  /// The file.
  let path: String
  private(set) var entries: [Entry]
  /// Folders that `SHUFFLE_R1_TRUST` names, for machines on which nobody answers.
  private let folders: [String]

  /// The variable that names trusted folders, separated by colons.
  static let variable = "SHUFFLE_R1_TRUST"

  /// Reads the file of this user.
  ///
  /// - Throws: When somebody else may write it, or it cannot be read.
  init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
    let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
    let base = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.config"
    path = base + "/shuffle-r1/trusted.jsonl"
    folders = (environment[Self.variable] ?? "").split(separator: ":").map { Self.real(String($0)) }
    entries = try Self.read(path)
  }

  /// Whether a spec may run the code that it names.
  func trusts(_ spec: String, _ code: SpecCode) -> Bool {
    let real = Self.real(spec)
    let known = folders + entries.compactMap { if case .folder(let folder) = $0 { folder } else { nil } }
    return known.contains { Self.lies(real, in: $0) } || entries.contains(.spec(real, code: Self.hash(code)))
  }

  /// Trusts a spec with the code that it names now.
  mutating func trust(spec: String, _ code: SpecCode) throws { try add(.spec(Self.real(spec), code: Self.hash(code))) }

  /// Trusts all specs in a folder.
  mutating func trust(folder: String) throws { try add(.folder(Self.real(folder))) }

  /// Takes back what was said of a spec or a folder itself.
  ///
  /// - Returns: Whether anything was.
  mutating func forget(_ place: String) throws -> Bool {
    let real = Self.real(place)
    let left = entries.filter { entry in
      switch entry {
      case .folder(let path), .spec(let path, _): path != real
      }
    }
    defer { entries = left }
    if left.count == entries.count { return false }
    try write(left)
    return true
  }

  private mutating func add(_ entry: Entry) throws {
    if entries.contains(entry) { return }
    // Of a spec that names other code now, the old entry says nothing more.
    if case .spec(let path, _) = entry {
      entries.removeAll { if case .spec(path, _) = $0 { true } else { false } }
    }
    entries.append(entry)
    try write(entries)
  }

  private func write(_ entries: [Entry]) throws {
    let folder = String(path.dropLast("/trusted.jsonl".count))
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let text = entries.map { $0.json.json + "\n" }.joined()
    try Folder(path: folder).replace("trusted.jsonl", with: Array(text.utf8), durable: true)
  }

  private static func read(_ path: String) throws -> [Entry] {
    var status = stat()
    guard stat(path, &status) == 0 else { return [] }
    guard status.st_uid == getuid() || status.st_uid == 0, status.st_mode & 0o022 == 0 else {
      throw PipelineError(
        .inputOutput,
        "\(path), which says whose specs are trusted, can be written by others; take that right from them: chmod go-w")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw PipelineError(
        .inputOutput, "cannot read \(path), which says whose specs are trusted; check its permissions")
    }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
      (try? JSONValue(parsing: String(line))).flatMap(Entry.init)
    }
  }

  private static func hash(_ code: SpecCode) -> String {
    var hash = SHA256()
    hash.add(Array(code.identity.utf8))
    return hash.digits
  }

  /// A path without links; as it is where there is no such file.
  static func real(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func lies(_ path: String, in folder: String) -> Bool {
    folder == "/" || path == folder || path.hasPrefix(folder + "/")
  }
}

extension TrustStore.Entry {
  fileprivate init?(_ json: JSONValue) {
    if let folder = json["folder"]?.stringValue {
      self = .folder(folder)
    } else if let spec = json["spec"]?.stringValue, let code = json["code"]?.stringValue {
      self = .spec(spec, code: code)
    } else {
      return nil
    }
  }

  fileprivate var json: JSONValue {
    switch self {
    case .folder(let path): ["folder": .string(path)]
    case .spec(let path, let code): ["spec": .string(path), "code": .string(code)]
    }
  }
}
