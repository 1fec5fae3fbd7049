// SPDX-License-Identifier: Apache-2.0

/// A piece of a report's data, as the page takes it: `report.take(kind, key, text)`.
package struct ReportPart: Sendable {
  /// What a piece holds.
  package enum Kind: String, Sendable {
    /// What there is: runs, files, counts, settings.
    case manifest
    /// Lines of `metrics.jsonl`, `timings.jsonl` or `evaluations.jsonl` of a run.
    case series
    /// The columns of a block of rows.
    case rows
    /// The lines of JSONL of some rows of a block.
    case bodies
    /// The texts of a run's tokens by their ids.
    case tokens
  }

  package let kind: Kind
  /// Which one of its kind, in letters, digits and hyphens.
  package let key: String
  /// JSON, or lines of JSON.
  package let text: [UInt8]

  /// Its file's name in the folder `data`.
  var file: String { key.isEmpty ? "\(kind.rawValue).js" : "\(kind.rawValue)-\(key).js" }

  /// The file's contents.
  var script: [UInt8] {
    var script = Array("report.take('\(kind.rawValue)','\(key)','".utf8)
    script.reserveCapacity(text.count + text.count / 16 + 64)
    text.withUnsafeBytes { ScriptText.append($0, to: &script) }
    script.append(contentsOf: "');\n".utf8)
    return script
  }
}
