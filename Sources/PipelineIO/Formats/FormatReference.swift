// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What becomes of a record that is written in each format and read back, found by doing it.
package struct FormatReference {
  /// What becomes of a field.
  private enum Fate: String {
    case kept = "✓"
    case changed = "~"
    case lost = "–"
  }

  private let formats: [any RolloutFormat]

  /// The reference of a catalog.
  package init(_ catalog: FormatCatalog) { formats = catalog.formats }

  /// Two rollouts of a prompt, with what a run knows of them.
  private static let records = [
    record("q7/0", says: "There are 3.", reward: "1.5", accuracy: "1"),
    record("q7/1", says: "There are 4.", reward: "0.5", accuracy: "0"),
  ]

  private static func record(_ id: String, says response: String, reward: String, accuracy: String) -> JSONValue {
    let image: JSONValue = ["type": "image", "image": "images/7.png"]
    let text: JSONValue = ["type": "text", "text": "How many circles?"]
    let system: JSONValue = ["role": "system", "content": "Be brief."]
    let user: JSONValue = ["role": "user", "content": .array([image, text])]
    let parts: JSONValue = ["accuracy": .number(accuracy), "format": .number("0.5")]
    let members: [(String, JSONValue)] = [
      ("id", .string(id)), ("group", "q7"), ("prompt", .array([system, user])), ("answer", "3"),
      ("response", .string(response)), ("finish", "stop"), ("tokens", [5, 9]), ("logprobs", [-0.25, -0.5]),
      ("reward", .number(reward)), ("rewards", parts), ("advantage", .number(accuracy)), ("step", 4),
      ("policy_version", 8), ("data_source", "circles"),
    ]
    return .object(members.map { .init($0.0, $0.1) })
  }

  private static let fields = (records[0].objectValue ?? []).map(\.key)

  /// The page.
  package var markdown: String {
    var rows: [String] = []
    var losses: [String] = []
    for format in formats {
      let trip = Self.trip(format)
      let cells = Self.fields.map { trip.fates[$0]?.rawValue ?? Fate.lost.rawValue }
      rows.append("| `\(format.name)` | \(cells.joined(separator: " | ")) |")
      if trip.losses.isEmpty { continue }
      losses.append("- `\(format.name)`: " + trip.losses.map { "`\($0.field)` (\($0.reason))" }.joined(separator: "; "))
    }
    return """
      # Reference: formats

      What `convert` reads and writes, and what each format can hold.

      This page is made by `shuffle-r1 describe --markdown`: two rollouts of a prompt with an image are written in each format
      and read back. ✓ came back as it was, ~ came back as something else, – is gone. `convert` says the same of your files.

      | format | what it is |
      |---|---|
      \(formats.map { "| `\($0.name)` | \($0.summary) |" }.joined(separator: "\n"))

      ## There and back

      | format | \(Self.fields.map { "`\($0)`" }.joined(separator: " | ")) |
      |\(String(repeating: "---|", count: Self.fields.count + 1))
      \(rows.joined(separator: "\n"))

      An id comes back where the format keeps groups, or makes the same ones. A prompt that a format keeps as text comes back as
      text; `--parse-prompts` makes messages of it.

      ## What is lost, and why

      \(losses.joined(separator: "\n"))

      """
  }

  private struct Trip {
    var fates: [String: Fate] = [:]
    var losses: [ConversionLoss] = []
  }

  private static func trip(_ format: any RolloutFormat) -> Trip {
    var trip = Trip()
    var exporter = format.makeExporter()
    var lines: [JSONValue] = []
    for record in records { lines += (try? exporter.lines(for: record)) ?? [] }
    lines += exporter.finish()
    trip.losses = exporter.losses
    var importer = format.makeImporter(options: ImportOptions())
    importer.look(at: lines)
    var back: [JSONValue] = []
    for (index, line) in lines.enumerated() {
      let place = SourceLocation(file: "there.jsonl", line: index + 1, column: 1)
      back += (try? importer.records(from: line, at: place)) ?? []
    }
    for field in fields {
      let found = back.map { $0[field] ?? .null }
      // Data sets keep a prompt once, whatever its rollouts.
      let expected = records.prefix(back.count).map { $0[field] ?? .null }
      if found.allSatisfy({ $0 == .null }) {
        trip.fates[field] = .lost
      } else {
        trip.fates[field] = found == Array(expected) ? .kept : .changed
      }
    }
    return trip
  }
}
