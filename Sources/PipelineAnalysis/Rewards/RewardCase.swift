// SPDX-License-Identifier: Apache-2.0
package import Foundation
package import PipelineCore

/// A trajectory with the expected verdict of a reward function, in its field `expected`.
///
/// `expected` is a score, `true` for 1 and `false` for 0, or one of `abstained`, `failed` and `timed_out`.
package struct RewardCase: Sendable {
  /// The expected result of a reward function.
  package enum Expectation: Sendable, Hashable {
    /// A score.
    case score(Double)
    /// No score, and why.
    case status(RewardStatus)
  }

  /// Its place in the file.
  package let location: SourceLocation
  /// The trajectory.
  package let trajectory: Trajectory
  /// What is expected.
  package let expectation: Expectation

  /// Reads the cases of a JSONL text; records need no `id` and no `group`.
  ///
  /// - Parameter reward: The name of the reward; cases whose `reward` is another name are skipped. Nil for all cases.
  /// - Throws: The faults of the lines, at most ten.
  package static func cases(in text: Data, file: String, of reward: String? = nil) throws -> [RewardCase] {
    var cases: [RewardCase] = []
    var errors: [PipelineError] = []
    for (index, line) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      do {
        let location = SourceLocation(file: file, line: index + 1, column: 1)
        if let found = try RewardCase(line: Data(line), at: location, of: reward) { cases.append(found) }
      } catch let error as PipelineError {
        errors.append(error)
        if errors.count == 10 { break }
      }
    }
    if !errors.isEmpty { throw PipelineErrors(errors) }
    return cases
  }

  private init?(line: Data, at location: SourceLocation, of reward: String?) throws {
    func fault(_ message: String, column: Int = 1) -> PipelineError {
      PipelineError(
        .invalidData, message, at: SourceLocation(file: location.file, line: location.line, column: column))
    }
    let value: JSONValue
    do {
      value = try line.withUnsafeBytes { try JSONValue(parsing: $0) }
    } catch let error as JSONValue.ParseError {
      throw fault("not JSON: \(error.reason)", column: TextPositions.column(of: error.offset, inLine: line))
    }
    guard let members = value.objectValue else {
      throw fault("a case is a JSON object, found \(value.kindDescription)")
    }
    if let reward, let name = value["reward"]?.stringValue, name != reward { return nil }
    guard let expected = value["expected"] else {
      throw fault("a case must say what is 'expected': a score, true, false, or abstained, failed or timed_out")
    }
    switch expected {
    case .bool(let flag): expectation = .score(flag ? 1 : 0)
    case .number:
      guard let score = expected.doubleValue else { throw fault("'expected' is \(expected.json), too large a number") }
      expectation = .score(score)
    default:
      guard let status = expected.stringValue.flatMap(RewardStatus.init(rawValue:)), status != .scored else {
        throw fault(
          "'expected' is \(expected.json.shortenedForMessage); it must be a score, true, false, or abstained, failed or "
            + "timed_out")
      }
      expectation = .status(status)
    }
    let id = value["id"]?.scalarText ?? "line \(location.line)"
    var trajectory = Trajectory(id: id, group: value["group"]?.scalarText ?? id)
    for member in members where !["id", "group", "expected"].contains(member.key) {
      let field = Field(member.key)
      // Fields that a reward would overwrite are not part of its input.
      if !Trajectory.Changes.storedFields.contains(field) { trajectory.set(field, to: member.value) }
    }
    self.location = location
    self.trajectory = trajectory
  }
}
