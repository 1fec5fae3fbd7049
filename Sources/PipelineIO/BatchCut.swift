// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How a stream of trajectories is divided into batches.
package enum BatchCut: Sendable, Hashable {
  /// By the records' `batch`, or else by their `step`, if the first record has one; otherwise all of the input is one batch.
  case automatic
  /// All of the input is one batch.
  case all
  /// A new batch after this many groups.
  case groups(Int)
  /// A new batch whenever the value of a field changes.
  case field(Field)
}

/// Decides for each trajectory whether a batch ends, and finds groups that reappear after their batch has ended.
struct BatchCutter {
  private let cut: BatchCut
  private var field: Field? { didSet { number = Self.number(of: field) } }
  /// How ``field`` is read where it is a number, without making a text of it.
  private var number: (@Sendable (Trajectory) -> Int?)?
  private var isDecided: Bool
  private var value: String?
  /// The number that ``value`` is the text of.
  private var lastNumber: Int?
  private var groupsInBatch: Set<ExactText> = []
  private var lastGroup: ExactText?
  /// Groups or field values of batches that have ended, as hashes: a few bytes each, however long the run is.
  private var closed: Set<UInt64> = []

  /// Whether the value of a field may come again in a later batch, as in the files of two runs side by side.
  private let valuesMayReturn: Bool

  init(_ cut: BatchCut, valuesMayReturn: Bool = false) {
    self.cut = cut
    self.valuesMayReturn = valuesMayReturn
    if case .field(let field) = cut { self.field = field }
    number = Self.number(of: field)
    self.isDecided = cut != .automatic
  }

  private static func number(of field: Field?) -> (@Sendable (Trajectory) -> Int?)? {
    if field == .batch { return { $0.batch } }
    if field == .step { return { $0.step } }
    return nil
  }

  /// Whether any trajectory can start a new batch; false when all of the input is one.
  var canCut: Bool {
    switch cut {
    case .all: false
    case .automatic: !isDecided || field != nil
    case .groups, .field: true
    }
  }

  /// Whether `trajectory` is the first of a new batch.
  ///
  /// - Throws: When its group or field value belongs to a batch that has ended.
  mutating func startsBatch(_ trajectory: Trajectory, file: String) throws -> Bool {
    if !isDecided {
      isDecided = true
      field = trajectory.batch != nil ? .batch : trajectory.step != nil ? .step : nil
    }
    if let field {
      let number = number?(trajectory)
      if let number, number == lastNumber { return false }
      lastNumber = number
      let value = try text(of: field, in: trajectory, file: file)
      defer { self.value = value }
      guard let last = self.value, ExactText(last) != ExactText(value) else { return false }
      if valuesMayReturn { return true }
      closed.insert(PhiloxGenerator.hash(last))
      if closed.contains(PhiloxGenerator.hash(value)) {
        throw reappears(
          "'\(field)' \(value.shortenedForMessage)", trajectory, file, "sort the file by '\(field)', or use one batch")
      }
      return true
    }
    guard case .groups(let limit) = cut else { return false }
    let group = ExactText(trajectory.group)
    if group == lastGroup { return false }
    lastGroup = group
    if groupsInBatch.contains(group) { return false }
    if !closed.isEmpty, closed.contains(PhiloxGenerator.hash(trajectory.group)) {
      throw reappears(
        "group \(trajectory.group.quotedForMessage)", trajectory, file,
        "put its rollouts next to each other, raise the number of groups, or use one batch")
    }
    let starts = groupsInBatch.count == limit
    if starts {
      for group in groupsInBatch { closed.insert(PhiloxGenerator.hash(group.text)) }
      groupsInBatch.removeAll(keepingCapacity: true)
    }
    groupsInBatch.insert(group)
    return starts
  }

  private func text(of field: Field, in trajectory: Trajectory, file: String) throws -> String {
    guard let text = try trajectory.cutText(of: field) else {
      // Nobody asked for steps: records without one make a batch of their own.
      if cut == .automatic, field == .step { return "" }
      throw PipelineError(
        .invalidData, "trajectory \(trajectory.id.quotedForMessage) has no '\(field)', by which batches are cut",
        at: SourceLocation(file: file, line: trajectory.record.line, column: 1))
    }
    return text
  }

  private func reappears(_ what: String, _ trajectory: Trajectory, _ file: String, _ remedy: String) -> PipelineError {
    PipelineError(
      .invalidData, "\(what) appears again after its batch ended; \(remedy)",
      at: SourceLocation(file: file, line: trajectory.record.line, column: 1))
  }
}

extension Trajectory {
  /// A field's value as used to divide batches, or nil if there is none.
  package func cutText(of field: Field) throws -> String? {
    switch field {
    case .batch: batch.map { String($0) }
    case .step: step.map { String($0) }
    case .group: group
    case .id: id
    default: try value(of: field).map { $0.scalarText ?? $0.json }
    }
  }
}
