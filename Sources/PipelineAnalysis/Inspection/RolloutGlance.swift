// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// What a person wants to see of a rollout: the question, its images, the response, the answers.
package struct RolloutGlance: Sendable {
  /// The rollout's id.
  package let id: String
  /// The text of the last message of the user.
  package let question: String?
  /// The addresses of the images, as the record has them.
  package let images: [String]
  /// The folder that relative addresses start from; empty for the working folder.
  package let folder: String
  /// The response.
  package let response: String?
  /// The expected answer.
  package let answer: String?
  /// Why the response ended.
  package let finish: String?
  private let reward: Double?

  /// Looks at a rollout.
  ///
  /// - Throws: When the record can no longer be read.
  package init(_ trajectory: Trajectory) throws {
    let prompt = try trajectory.value(of: .prompt)
    id = trajectory.id
    question = prompt.flatMap { ChatMessage.question(of: $0) }
    let inPrompt = ChatMessage.images(in: prompt.flatMap { try? ChatMessage.messages(from: $0) } ?? []).map(\.address)
    let others = try trajectory.value(of: .images)?.arrayValue ?? []
    images =
      inPrompt.contains { !$0.isEmpty }
      ? inPrompt.filter { !$0.isEmpty }
      : others.compactMap {
        $0.stringValue ?? $0["path"]?.stringValue ?? $0["image"]?.stringValue ?? $0["url"]?.stringValue
      }
    folder = trajectory.folder
    response = try trajectory.response
    answer = try trajectory.answer
    finish = try trajectory.finish
    reward = trajectory.reward
  }

  /// The path of an image for a person: from the working folder; data URIs by their length.
  package func path(of address: String) -> String {
    if address.prefix(5).lowercased() == "data:" {
      return "a data URI of \(NumberText.count(address.utf8.count)) characters"
    }
    return address.hasPrefix("/") || address.contains("://") ? address : folder + address
  }

  /// Labels and texts, in the order in which they are shown; a long text is cut at `limit` characters.
  func rows(limit: Int) -> [(label: String, text: String)] {
    func cut(_ text: String) -> String {
      let scalars = text.unicodeScalars
      guard scalars.count > limit else { return text }
      return String(String.UnicodeScalarView(scalars.prefix(limit)))
        + "… (\(NumberText.count(scalars.count)) characters)"
    }
    var rows: [(String, String)] = []
    if let question { rows.append(("question", cut(question))) }
    for address in images { rows.append(("image", path(of: address))) }
    if let response { rows.append(("response", cut(response) + (finish.map { " [\($0)]" } ?? ""))) }
    if let answer { rows.append(("answer", cut(answer))) }
    return rows
  }

  /// The same for programs, in full.
  package var json: JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    return [
      "question": text(question), "images": .array(images.map { .string(path(of: $0)) }), "response": text(response),
      "finish": text(finish), "answer": text(answer),
    ]
  }

  /// The rollout as text, under its id and reward.
  ///
  /// - Parameter picture: Draws an image, given its address and folder, or nil where it cannot be drawn; the path is shown then.
  package func text(
    style: TerminalStyle = TerminalStyle(), picture: (_ address: String, _ folder: String) -> String? = { _, _ in nil }
  ) -> String {
    var page = Page(style)
    page.heading(style.safe(id), reward.map { "reward \(NumberText.short($0))" } ?? "no reward")
    var drawn = ""
    for row in rows(limit: 2000) where row.label != "image" {
      page.row(row.label, style.safe(row.text), labelWidth: 8)
    }
    for address in images {
      if let lines = picture(address, folder) {
        drawn += lines
      } else {
        page.row("image", style.safe(path(of: address)), labelWidth: 8)
      }
    }
    return page.text + drawn
  }
}
