// SPDX-License-Identifier: Apache-2.0
import ModelServers
import PipelineCore

/// What a judge is asked: a text with names of fields in braces.
///
/// What stands in the place of a name is not looked at again, so that a response cannot name fields itself.
struct JudgePrompt: Sendable {
  private enum Piece: Sendable {
    case text(String)
    case field(Field)
  }

  private let pieces: [Piece]

  /// Reads a template; braces around anything but the name of a field stay.
  init(_ template: String) {
    var pieces: [Piece] = []
    var rest = template[...]
    while let match = rest.firstMatch(of: /\{([A-Za-z_][A-Za-z0-9_.-]*)\}/) {
      pieces.append(.text(String(rest[..<match.range.lowerBound])))
      pieces.append(.field(Field(String(match.1))))
      rest = rest[match.range.upperBound...]
    }
    self.pieces = pieces + [.text(String(rest))]
  }

  /// The fields that it names.
  var fields: Set<Field> {
    Set(pieces.compactMap { if case .field(let field) = $0 { field } else { nil } })
  }

  /// The text for a trajectory.
  ///
  /// - Throws: When it lacks a field.
  func text(for trajectory: Trajectory) throws -> String {
    try pieces.map { piece in
      switch piece {
      case .text(let text): return text
      case .field(.id): return trajectory.id
      case .field(.group): return trajectory.group
      case .field(let field):
        guard let value = try trajectory.value(of: field), value != .null else {
          throw PipelineError(.invalidData, "has no '\(field)', which the judge's prompt names")
        }
        return field == .prompt ? ChatMessages.text(of: value) : value.scalarText ?? value.json
      }
    }.joined()
  }
}
