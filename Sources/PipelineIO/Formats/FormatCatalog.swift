// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The formats that can be named or recognized.
package struct FormatCatalog: Sendable {
  /// All formats, our own first.
  package let formats: [any RolloutFormat]

  /// The formats that this program knows.
  package static let standard = FormatCatalog([
    NativeFormat(), VerlFormat(), TRLFormat(), MSSwiftFormat(), ROLLFormat(), VerifiersFormat(),
    OpenInstructFormat(), TrinityFormat(), OpenAIChatFormat(), EasyR1DatasetFormat(), VerlDatasetFormat(),
    AlpacaFormat(), ShareGPTFormat(),
  ])

  /// A catalog of some formats.
  package init(_ formats: [any RolloutFormat]) { self.formats = formats }

  /// The names, in the order of ``formats``.
  package var names: [String] { formats.map(\.name) }

  /// The format with a name.
  ///
  /// - Throws: ``PipelineError`` with the nearest name and all names.
  package func named(_ name: String) throws -> any RolloutFormat {
    if let format = formats.first(where: { $0.name == name }) { return format }
    let hint = NearestName.suggestion(for: name, among: names).map { "; did you mean '\($0)'?" } ?? "."
    throw PipelineError(
      .invalidSpec, "unknown format '\(name)'\(hint) Known formats: \(names.joined(separator: ", "))")
  }

  /// The format that fits lines best.
  ///
  /// - Parameters:
  ///   - sample: The first lines of a file; a few are enough.
  ///   - file: The file, for the error.
  /// - Throws: ``PipelineError`` when no format fits, or several fit equally well.
  package func detect(sample: [JSONValue], file: String) throws -> any RolloutFormat {
    let place = SourceLocation(file: file, line: 1, column: 1)
    guard !sample.isEmpty else {
      throw PipelineError(
        .invalidData, "there is no line to tell the format by; name it with --from, or as 'format' in a spec's source",
        at: place)
    }
    let likenesses = formats.map { $0.likeness(of: sample) }
    let best = likenesses.max() ?? .no
    let candidates = zip(formats, likenesses).filter { $1 == best }.map(\.0)
    if best == .no || candidates.isEmpty {
      let keys =
        sample[0].objectValue?.prefix(12).map(\.key).joined(separator: ", ") ?? sample[0].kindDescription
      let map = ColumnMap.suggestion(for: sample[0].objectValue?.map(\.key) ?? [])
      if let nearly = Self.nearlyOurs(sample[0]) { throw PipelineError(.invalidData, nearly, at: place) }
      throw PipelineError(
        .invalidData,
        "no known format has lines like these (\(keys)); "
          + (map.map { "say which column holds what, such as --map \($0) or 'columns' in a spec's source, or " } ?? "")
          + "name one with --from, or as 'format' in a spec's source: \(names.joined(separator: ", "))",
        at: place)
    }
    guard candidates.count == 1 else {
      throw PipelineError(
        .invalidData,
        "the lines could be \(candidates.map(\.name).joined(separator: " or ")); name the format with --from, or as 'format' in a spec's source",
        at: place)
    }
    return candidates[0]
  }

  /// What to say of lines that would be records of ours, had they `id` and `group`.
  private static func nearlyOurs(_ line: JSONValue) -> String? {
    let ours: [Field] = [
      .logprobs, .tokens, .reward, .rewards, .advantage, .promptTokens, .refLogprobs, .policyVersion,
    ]
    guard line["prompt"] != nil || line["prompt_tokens"] != nil, line["response"] != nil || line["tokens"] != nil,
      line["id"] != nil || line["group"] != nil || ours.contains(where: { line[$0.rawValue] != nil })
    else { return nil }
    let missing = ["id", "group"].filter { line[$0]?.stringValue == nil }
    return
      "these lines are nearly records of this program, and lack \(missing.map { "'\($0)'" }.joined(separator: " and ")): "
      + "every record has an id of its own, and rollouts of one prompt share a group; add what is missing, or say which column "
      + "holds what with --map prompt=prompt,response=response or 'columns' in a spec's source, which makes both"
  }
}
