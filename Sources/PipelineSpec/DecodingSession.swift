// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A fault of one option, with its message.
struct OptionFault: Error {
  /// The option's path, as in `functions.0.weight`.
  let path: [String]
  /// The whole sentence.
  let message: String
  /// The place where the user can correct it.
  let location: SourceLocation
}

/// Records, during decoding, which keys the types asked for, and the faults.
final class DecodingSession {
  private(set) var faults: [OptionFault] = []
  private var tables: [(path: [String], entries: [OptionTree.Entry])] = []
  private var asked: [[String]: [String]] = [:]
  private var opened: Set<[String]> = []
  private var abandoned: [[String]] = []

  /// Records a fault; decoding then continues with the default of the option at `path`.
  func record(_ fault: OptionFault, abandoning path: [String]) {
    faults.append(fault)
    abandoned.append(path)
  }

  /// Records that a type asked for a key.
  func ask(_ key: String, in path: [String]) {
    if asked[path]?.contains(key) != true { asked[path, default: []].append(key) }
  }

  /// Records that a type reads a user-defined table by its keys.
  func open(_ entries: [OptionTree.Entry], at path: [String]) {
    if opened.insert(path).inserted { tables.append((path, entries)) }
  }

  /// The keys that no type asked for, in tables that were read to the end.
  func unknownKeys() -> [OptionFault] {
    tables.flatMap { path, entries -> [OptionFault] in
      if abandoned.contains(where: { path.starts(with: $0) }) { return [] }
      let known = asked[path] ?? []
      return entries.filter { !known.contains($0.key) }.map { entry in
        OptionFault(
          path: path + [entry.key],
          message: UnknownName.message("option", entry.key, known: known, plural: "options"),
          location: entry.location)
      }
    }
  }
}

/// The sentence about an unknown name.
enum UnknownName {
  /// With the nearest known name, or else all of them.
  static func message(_ noun: String, _ name: String, known: [String], plural: String) -> String {
    if let near = NearestName.suggestion(for: name, among: known) {
      return "unknown \(noun) '\(name)'; did you mean '\(near)'?"
    }
    if known.isEmpty { return "unknown \(noun) '\(name)'; there are no \(plural) here" }
    return "unknown \(noun) '\(name)'; the \(plural) here are: \(known.joined(separator: ", "))"
  }
}
