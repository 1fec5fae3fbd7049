// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Space beside the marks of tags, which some models write: `< answer >`, `</ answer>`.
enum Tag {
  /// The text with its tags and fractions as EasyR1 reads them: without space on either side of `<`, `>` and `/`.
  ///
  /// Source: EasyR1, `re.sub(r"\s*(<|>|/)\s*", r"\1", response)`.
  static func tightened(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(text.count)
    var position = text.startIndex
    while position < text.endIndex {
      let byte = text[position]
      position += 1
      guard "<>/".utf8.contains(byte) else {
        output.append(byte)
        continue
      }
      while let last = output.last, last.isSpace { output.removeLast() }
      output.append(byte)
      position = text.skippingSpace(from: position)
    }
    return output
  }
}
