// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The publication that a spec follows, for readers and for `describe --papers`; a run ignores it.
package struct PaperNote: ComponentOptions, Hashable {
  /// The title; empty for a spec that follows none.
  package var title = ""
  /// Its number on arXiv, such as `2508.05612`, or an address.
  package var id = ""
  /// What the spec does otherwise than the publication or its program, a sentence each.
  package var differs: [String] = []

  /// One line for each option.
  package static let help = [
    "title": "The title of the publication",
    "id": "Its number on arXiv, such as 2508.05612, or an address that begins with https://",
    "differs": "What the spec does otherwise than the publication or its program, a sentence each",
  ]

  /// No publication.
  package init() {}

  /// A note names what it is about, and where that can be read.
  package func problems() -> [OptionProblem] {
    if self == PaperNote() { return [] }
    var problems: [OptionProblem] = []
    if title.isEmpty { problems.append(OptionProblem("title", "is empty, it must name the publication")) }
    if !Self.isNumber(id), !id.hasPrefix("https://") {
      problems.append(
        OptionProblem("id", "is \"\(id)\", it must be a number on arXiv, such as 2508.05612, or begin with https://"))
    }
    return problems
  }

  /// The publication; nil if the spec follows none.
  package var paper: Paper? {
    if title.isEmpty { return nil }
    return Self.isNumber(id) ? Paper(title, arXiv: id) : Paper(title, link: id)
  }

  /// Whether it is a number on arXiv: four digits, a point, and four or five more.
  private static func isNumber(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 && parts[0].count == 4 && (4...5).contains(parts[1].count)
      && parts.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isNumber } }
  }
}
