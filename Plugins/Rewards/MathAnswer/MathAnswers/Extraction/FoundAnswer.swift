// SPDX-License-Identifier: Apache-2.0

/// The answer found in a text.
struct FoundAnswer {
  /// The answer, compared as mathematics.
  var bytes: [UInt8]
  /// The contents of each box, if the answer is in several: they may be equal, or parts of one answer.
  var boxes: [[UInt8]] = []
  /// The sentence or the text that contains the answer: an answer in words is compared with these, as words.
  var statements: [ArraySlice<UInt8>] = []

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
