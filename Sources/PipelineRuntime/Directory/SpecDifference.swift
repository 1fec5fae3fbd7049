// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore

/// What is different between the spec that a run was started with and the one that it is to go on with.
struct SpecDifference {
  /// What a difference can change.
  enum Kind: String, CaseIterable {
    /// Nothing that is computed: a description, or the same file at another path.
    case harmless
    /// The kind of machine, whose roundings differ.
    case machine
    /// What is computed from the data.
    case results
    /// The data itself: prompts, rollouts, the model.
    case data
  }

  /// What is different, in words, by kind.
  private(set) var found: [Kind: [String]] = [:]
  private let old: JSONValue
  private let new: JSONValue
  private let paths: Set<String>

  /// Compares two resolved specs.
  ///
  /// - Parameter paths: The places of paths in the new one, such as `source.prompts`; they may differ where what they
  ///   lead to is the same.
  init(from old: JSONValue, to new: JSONValue, paths: Set<String>) {
    (self.old, self.new, self.paths) = (old, new, paths)
    compare(old, new, at: "")
    if let model = found[.data]?.firstIndex(where: { $0.hasPrefix("provenance.policy") }) {
      // Sizes and hashes of its files, which tell nobody anything.
      found[.data]?[model] = "the policy's model has other files"
      found[.data]?.removeAll { $0.hasPrefix("provenance.policy") }
    }
  }

  /// Whether a run may go on without being told to.
  var isHarmless: Bool { found.keys.allSatisfy { $0 == .harmless } }

  /// Whether a run may go on.
  func isAccepted(_ accepted: AcceptedChanges) -> Bool {
    switch accepted {
    case .none: isHarmless
    case .machine: found.keys.allSatisfy { $0 == .harmless || $0 == .machine }
    case .all: true
    }
  }

  /// The least that must be accepted for the run to go on, as it is said on the command line.
  var remedy: String {
    found[.results] == nil && found[.data] == nil ? "--accept-changes=machine" : "--accept-changes"
  }

  /// The differences that matter, as the first few of each kind: `results: seed was 1, is 2; data: …`.
  var text: String {
    Kind.allCases.compactMap { kind in
      guard kind != .harmless, let found = found[kind] else { return nil }
      let more = found.count > 5 ? ", and \(found.count - 5) more" : ""
      return "\(kind.rawValue): \(found.prefix(5).joined(separator: ", "))\(more)"
    }.joined(separator: "; ")
  }

  private mutating func compare(_ before: JSONValue, _ after: JSONValue, at place: String) {
    if before == after { return }
    if let old = before.objectValue, let new = after.objectValue {
      var keys = old.map(\.key)
      keys += new.map(\.key).filter { !keys.contains($0) }
      for key in keys {
        compare(before[key] ?? .null, after[key] ?? .null, at: place.isEmpty ? key : "\(place).\(key)")
      }
    } else if let old = before.arrayValue, let new = after.arrayValue, old.count == new.count {
      for (index, pair) in zip(old, new).enumerated() { compare(pair.0, pair.1, at: "\(place).\(index)") }
    } else {
      found[kind(of: place), default: []].append("\(place) was \(before.json), is \(after.json)")
    }
  }

  private func kind(of place: String) -> Kind {
    if ["name", "description", "$schema"].contains(place)
      || ["paper.", "output.report."].contains(where: "\(place).".hasPrefix)
    {
      return .harmless
    }
    if place == "provenance.program" { return .results }
    if place.hasPrefix("provenance.machine") { return .machine }
    if place.hasPrefix("provenance.") { return .data }
    guard paths.contains(place) else { return .results }
    if leadsToTheSame(place) || liesWhereItDid(place) { return .harmless }
    return ["source.", "training.", "policy."].contains(where: place.hasPrefix) ? .data : .results
  }

  /// Whether a path, such as one of a folder, lies as it did from a file that is known to be the same.
  ///
  /// Paths start from the run's directory: when that alone has moved, all of them differ, and lie as before from one
  /// another.
  private func liesWhereItDid(_ place: String) -> Bool {
    guard let before = text(at: place, in: old), let after = text(at: place, in: new) else { return false }
    return paths.contains { anchor in
      guard anchor != place, leadsToTheSame(anchor), let from = text(at: anchor, in: old),
        let now = text(at: anchor, in: new)
      else { return false }
      return RelativePath.areAlike((from, before), (now, after))
    }
  }

  private func text(at place: String, in spec: JSONValue) -> String? {
    place.split(separator: ".").reduce(Optional(spec)) { value, key in
      if let elements = value?.arrayValue {
        return Int(key).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
      }
      return value?[String(key)]
    }?.stringValue
  }

  /// Whether a path leads to files of the same size and hash as it did.
  private func leadsToTheSame(_ place: String) -> Bool {
    let fingerprints =
      if place.hasPrefix("source.") {
        ["inputs"]
      } else if place.hasPrefix("training.evaluation.") {
        ["evaluation"]
      } else if place.hasPrefix("policy.") {
        ["policy"]
      } else {
        ["files", place]
      }
    func look(_ spec: JSONValue) -> JSONValue? {
      (["provenance"] + fingerprints).reduce(Optional(spec)) { $0?[$1] }
    }
    guard let before = look(old), before != .null, before != [] else { return false }
    return before == look(new)
  }
}
