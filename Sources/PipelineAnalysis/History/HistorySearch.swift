// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO

/// Finds a trajectory in the files of a run.
struct HistorySearch {
  let records: RunRecords
  let id: String

  /// The lines of the id, one for each step it was in, in the order of the run; and those of what was replayed from it.
  ///
  /// - Throws: When the file cannot be read, or a line with the id is not a line of lineage.
  package func entries() throws -> (own: [LineageEntry], replays: [LineageEntry]) {
    let search = ByteSearch(JSONValue.string(id).json)
    var (found, replays): ([LineageEntry], [LineageEntry]) = ([], [])
    try records.lineage.forEachLine { line, number in
      guard search.first(in: line) != nil else { return true }
      let entry = try entry(line, number)
      if ExactText(entry.id) == ExactText(id) { found.append(entry) }
      if let origin = entry.origin, origin["run"] == nil, let first = origin["id"]?.stringValue,
        ExactText(first) == ExactText(id)
      {
        replays.append(entry)
      }
      return true
    }
    return (found, replays)
  }

  /// What each of some entries was compared with.
  func facts(for entries: [LineageEntry]) throws -> [StepFacts] {
    var facts = [StepFacts](repeating: StepFacts(), count: entries.count)
    let indexOfStep = Dictionary(
      entries.enumerated().map { ($1.step, $0) }, uniquingKeysWith: { first, _ in first })
    guard !entries.isEmpty else { return facts }
    try records.lineage.forEachLine(in: nil) { line in
      if let step = LineageEntry.step(of: line.bytes), indexOfStep[step] == nil { return true }
      let other = try entry(line.bytes, line.number)
      guard let index = indexOfStep[other.step] else { return true }
      facts[index].add(other, at: line, group: entries[index].group)
      return true
    }
    return facts
  }

  /// Bad records whose text gives this id.
  func unusableRecords() throws -> [TrajectoryHistory.UnusableRecord] {
    guard let file = records.badRecords else { return [] }
    let quoted = JSONValue.string(id).json
    let search = ByteSearch(String(JSONValue.string(quoted).json.dropFirst().dropLast()))
    var found: [TrajectoryHistory.UnusableRecord] = []
    try file.forEachLine { line, _ in
      guard search.first(in: line) != nil, let value = try? JSONValue(parsing: line),
        let text = value["text"]?.stringValue, Self.givesID(quoted, in: text)
      else { return true }
      found.append(
        .init(
          location: SourceLocation(
            file: value["file"]?.stringValue ?? "?", line: value["line"]?.intValue ?? 0,
            column: value["column"]?.intValue ?? 0), reason: value["reason"]?.stringValue ?? "?"))
      return true
    }
    return found
  }

  /// Whether a text contains `"id"`, a colon and the quoted id in a row.
  private static func givesID(_ quoted: String, in text: String) -> Bool {
    var rest = text[...]
    while let key = rest.firstRange(of: "\"id\"") {
      rest = rest[key.upperBound...]
      let value = rest.drop { $0.isWhitespace || $0 == ":" }
      if value.hasPrefix(quoted) { return true }
    }
    return false
  }

  private func entry(_ line: UnsafeRawBufferPointer, _ number: Int) throws -> LineageEntry {
    guard let entry = LineageEntry(line) else {
      throw PipelineError(
        .invalidData, "this line is none of lineage; was the file changed by hand? Run again for a new one",
        at: SourceLocation(file: records.lineage.path, line: number, column: 1))
    }
    return entry
  }

  /// The error for an unknown id, with a suggestion.
  func unknownID() throws -> PipelineError {
    var members: [String] = []
    var memberCount = 0
    var nearest: String?
    var chunk: [String] = []
    var isEmpty = true
    let group = id.lastIndex(of: "/").map { String(id[..<$0]) } ?? id
    func look() {
      nearest = NearestName.suggestion(for: id, among: (nearest.map { [$0] } ?? []) + chunk)
      chunk.removeAll(keepingCapacity: true)
    }
    try records.lineage.forEachLine { line, _ in
      isEmpty = false
      guard let known = try RecordWalk.value(of: .id, in: line)?.stringValue,
        let knownGroup = try RecordWalk.value(of: .group, in: line)?.stringValue
      else { return true }
      if [id, group].contains(where: { ExactText($0) == ExactText(knownGroup) }) {
        if members.count < 4, !members.contains(known) { members.append(known) }
        memberCount += 1
      }
      chunk.append(known)
      if chunk.count == 1024 { look() }
      return true
    }
    look()
    let start = "no trajectory \(id.quotedForMessage) in \(records.path)"
    if isEmpty {
      return PipelineError(.invalidData, "\(start): its lineage is empty, no step is complete yet")
    }
    if !members.isEmpty {
      let list =
        members.map(\.quotedForMessage).joined(separator: ", ") + (memberCount > members.count ? ", …" : "")
      let what =
        members.isEmpty || group != id
        ? "its group \(group.quotedForMessage) has \(list)" : "that is a group, with \(list)"
      return PipelineError(.invalidData, "\(start); \(what)")
    }
    if let nearest { return PipelineError(.invalidData, "\(start); did you mean \(nearest.quotedForMessage)?") }
    return PipelineError(
      .invalidData, "\(start), nor one like it; ids stand in \(records.lineage.path)")
  }

  /// The error for a step that the trajectory was not in.
  func unknownStep(_ step: Int, known: [Int]) -> PipelineError {
    let list = known.prefix(8).map(String.init).joined(separator: ", ") + (known.count > 8 ? ", …" : "")
    let place =
      known.isEmpty
      ? "in no step, since its record could not be used" : "in step\(known.count == 1 ? "" : "s") \(list)"
    return PipelineError(.invalidData, "trajectory \(id.quotedForMessage) was not in step \(step); it was \(place)")
  }
}
