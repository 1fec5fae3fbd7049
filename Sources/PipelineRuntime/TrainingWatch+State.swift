// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension TrainingWatch {
  /// What a resumed run needs to go on with the same warnings, for a checkpoint.
  package var state: JSONValue {
    [
      "given": .array(given.sorted().map { .string($0) }),
      "streaks": .object(streaks.sorted { $0.key < $1.key }.map { .init($0.key, .number($0.value)) }),
      "values": .object(
        values.sorted { $0.key < $1.key }.map { .init($0.key, .array($0.value.map { .number($0) })) }),
    ]
  }

  /// A watch that goes on from a ``state``.
  ///
  /// - Throws: When the value is no such state.
  package init(state: JSONValue) throws {
    func unreadable() -> PipelineError {
      PipelineError(
        .invalidData, "the state of the training watch cannot be read; take an earlier checkpoint, or start anew")
    }
    guard let given = state["given"]?.arrayValue, let streaks = state["streaks"]?.objectValue,
      let values = state["values"]?.objectValue
    else { throw unreadable() }
    func read<Value>(_ value: Value?) throws -> Value {
      guard let value else { throw unreadable() }
      return value
    }
    self.init(
      given: Set(try given.map { try read($0.stringValue) }),
      streaks: try Dictionary(streaks.map { ($0.key, try read($0.value.intValue)) }) { first, _ in first },
      values: try Dictionary(
        values.map { ($0.key, try read($0.value.arrayValue).map { try read($0.doubleValue) }) }
      ) { first, _ in first })
  }
}
