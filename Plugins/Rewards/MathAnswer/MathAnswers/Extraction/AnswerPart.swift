// SPDX-License-Identifier: Apache-2.0

/// Finds the part of a text that is its answer.
enum AnswerPart {
  /// The answer by the first of these that finds one: boxes, an answer tag, the whole text where it is an answer, what
  /// follows "answer is", the last formula, the last number, a letter that stands alone.
  ///
  /// "The final answer is $…$" behind the boxes is later word than they are.
  static func automatic(in text: ArraySlice<UInt8>) -> FoundAnswer? {
    let boxes = Boxes.last(in: text)
    if let last = boxes.last {
      return ProseSearch.finalAnswer(in: text[last.end...]) ?? FoundAnswer(boxes: boxes)
    }
    if let tagged = tagged(in: text) { return automaticInside(tagged) }
    return automaticInside(text)
  }

  /// What boxes alone hold.
  static func boxed(in text: ArraySlice<UInt8>) -> FoundAnswer? {
    let boxes = Boxes.last(in: text)
    return boxes.isEmpty ? nil : FoundAnswer(boxes: boxes)
  }

  /// The expected answer: what its box holds, what follows `####` or "the answer is"; else all of it, since what an
  /// answer says in words counts as well: `concave up on $(0, 2)$`.
  static func expected(in text: ArraySlice<UInt8>) -> [UInt8] {
    if let boxes = boxed(in: text) { return boxes.bytes }
    if let mark = text.last("####") { return Array(text[(mark + 4)...].trimmed) }
    if let tagged = tagged(in: text) { return Array(tagged) }
    return ProseSearch.afterMark(in: text) ?? Array(text)
  }

  private static func automaticInside(_ text: ArraySlice<UInt8>) -> FoundAnswer? {
    let text = text.trimmed
    if text.isEmpty { return nil }
    let boxes = Boxes.last(in: text)
    if !boxes.isEmpty { return FoundAnswer(boxes: boxes) }
    if isShort(text), !ProseSearch.isSentence(text) {
      var found = FoundAnswer(text)
      let answer = Answer(found.bytes)
      if !answer.readings.isEmpty || ProseSearch.isOneWord(text) || answer.form.choice != nil {
        found.read = answer
        return found
      }
    }
    guard var found = ProseSearch.answer(in: text) else {
      return isShort(text) ? FoundAnswer([], statements: [text]) : nil
    }
    if isShort(text) { found.statements.append(text) }
    return found
  }

  /// Texts beyond a few lines are searched, not read whole.
  private static func isShort(_ text: ArraySlice<UInt8>) -> Bool { text.count <= 4096 }

  /// What the last closed `<answer>…</answer>` holds.
  static func tagged(in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    Tags.lastPair("answer", in: text)?.content
  }
}
