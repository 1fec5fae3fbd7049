// SPDX-License-Identifier: Apache-2.0

/// What was found as the answer of a text.
struct FoundAnswer {
  /// The answer, compared as mathematics.
  var bytes: [UInt8]
  /// The same as it was read when it was found, so that it is not read twice.
  var read: Answer?
  /// What each box holds, where the answer stands in several: they may say the same, or be the parts of one answer.
  var boxes: [[UInt8]] = []
  /// The sentence or the text that the answer was cut from: an answer in words is compared with these, as words.
  var statements: [ArraySlice<UInt8>] = []

  /// Whether nothing was found but words around it.
  var isEmpty: Bool { !bytes.contains { !$0.isSpace } }

  /// Whether it is several words and nothing else.
  var isStatement: Bool { ProseSearch.isOnlyWords(bytes[...]) && bytes[...].trimmed.contains(where: \.isSpace) }

  init(_ bytes: some Sequence<UInt8>, statements: [ArraySlice<UInt8>] = []) {
    self.bytes = Array(bytes)
    self.statements = statements
  }

  /// The answer of boxes side by side.
  init(boxes: [Boxes.Box]) {
    let contents = boxes.map { Array($0.content) }
    self.init(contents.count == 1 ? contents[0] : Array(contents.joined(separator: Array(", ".utf8))))
    if contents.count > 1 { self.boxes = contents }
  }
}
