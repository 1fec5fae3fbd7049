// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Checks that every stage finds the fields it reads: in the source's records or among the writes of earlier stages.
struct StageChain {
  /// A stage in the chain.
  enum Link {
    /// One that could be made.
    case made(_ name: String, any Stage, SourceLocation)
    /// One that could not, and its substitute; nil if there is none.
    case broken((any Stage)?)
  }

  let registry: Registry
  let assembly: Assembly

  /// An error for each field that a stage reads and no earlier stage writes.
  ///
  /// After a stage without a substitute nothing is known, and nothing is reported.
  func errors(_ links: [Link], source: SourceOptions) -> [PipelineError] {
    let provides = source.provides
    var carried = source.alwaysProvided.union(provides)
    var errors: [PipelineError] = []
    // Nothing is known of the scores in records that come with rewards.
    var scores: Set<String>? = provides.contains(.rewards) ? nil : []
    for (index, link) in links.enumerated() {
      switch link {
      case .broken(nil): return errors
      case .broken(let stage?):
        carried.formUnion(stage.writes)
        scores = nil
      case .made(let name, let stage, let location):
        for field in Self.ordered(stage.reads.subtracting(carried)) {
          let later = links.dropFirst(index + 1).compactMap { link in
            if case .made(let name, let stage, _) = link, stage.writes.contains(field) { name } else { nil }
          }
          let message = message(name, field, later: later.first, provides: provides)
          errors.append(PipelineError(.invalidSpec, message, at: location))
        }
        for score in stage.readsScores.sorted() {
          guard stage.reads.isSubset(of: carried), let scores, !Self.names(score, in: scores) else { continue }
          errors.append(
            PipelineError(.invalidSpec, "stage '\(name)': " + Self.unknown(score, known: scores), at: location))
        }
        scores = Self.scores(of: [stage]).flatMap { new in scores.map { $0.union(new) } }
        // One error for each gap: a missing field is not reported again for later stages.
        carried.formUnion(stage.reads)
        carried.formUnion(stage.writes)
      }
    }
    return errors
  }

  private func message(_ stage: String, _ field: Field, later: String?, provides: [Field]) -> String {
    let writers = registry.names(of: .stage).filter { name in
      (try? assembly.stage(ComponentReference(name)))?.writes.contains(field) == true
    }
    let remedy =
      if let later {
        "put stage '\(later)', which writes it, before this one"
      } else if writers.isEmpty {
        "put a stage before it that does"
      } else {
        "put a stage before it that does (\(writers.joined(separator: ", ")))"
      }
    let fields = (provides + [field]).map { "\"\($0)\"" }.joined(separator: ", ")
    return "stage '\(stage)' reads '\(field)', which nothing before it writes; \(remedy), "
      + "or say \"provides\": [\(fields)] in the source"
  }

  /// The scores that stages write; nil where one does not say.
  static func scores(of stages: [any Stage]) -> Set<String>? {
    stages.reduce(Optional([])) { known, stage in known.flatMap { known in stage.scores.map { known.union($0) } } }
  }

  /// Whether a score is among those known; behind a slash stands a function's own part, which only the function knows.
  static func names(_ score: String, in known: Set<String>) -> Bool {
    let function = score.split(separator: "/", omittingEmptySubsequences: false).first.map(String.init) ?? score
    return known.contains(score) || known.contains(function)
  }

  /// What to say about a score that no stage writes.
  static func unknown(_ score: String, known: Set<String>) -> String {
    let names = known.sorted() + [Field.reward.rawValue]
    let hint = NearestName.suggestion(for: score, among: names).map { "; did you mean '\($0)'?" } ?? "."
    return
      "no stage before it writes the score \(score.quotedForMessage)\(hint) Scores: \(names.joined(separator: ", "))"
  }

  /// Reserved fields in their order, then others by name.
  static func ordered(_ fields: Set<Field>) -> [Field] {
    Field.reserved.filter(fields.contains)
      + fields.subtracting(Field.reserved).sorted { $0.rawValue < $1.rawValue }
  }
}
