// SPDX-License-Identifier: Apache-2.0

/// An answer that has been read: what it looks like, and what it can mean.
struct Answer {
  let bytes: [UInt8]
  let form: AnswerForm
  /// The ways to read it, at most two; empty when it is no expression.
  let readings: [Node]
  let fault: ReadingFault?

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    guard bytes.count <= Tokenizer.largestText else {
      form = AnswerForm([])
      readings = []
      fault = .tooLarge
      return
    }
    form = AnswerForm(bytes[...])
    var readings: [Node] = []
    var fault: ReadingFault?
    for commas in Self.commaReadings(bytes) {
      do throws(ReadingFault) {
        readings.append(try Parser.node(of: bytes, commas: commas))
      } catch {
        fault = error
      }
    }
    self.readings = readings
    self.fault = readings.isEmpty ? fault : nil
  }

  /// How commas may be meant: `1,234` is a number or two, `1,22` two or one with decimals.
  private static func commaReadings(_ bytes: [UInt8]) -> [CommaReading] {
    var isAmbiguous = false
    var commas = 0
    var others = 0
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: ",") {
        commas += 1
        if index > 0, index + 3 < bytes.count, bytes[index - 1].isDigit,
          bytes[(index + 1)...(index + 3)].allSatisfy(\.isDigit)
        {
          isAmbiguous = true
        }
      } else if !byte.isDigit && !byte.isSpace && byte != UInt8(ascii: "-") {
        others += 1
      }
    }
    if isAmbiguous { return [.thousands, .separator] }
    if commas == 1, others == 0, let comma = bytes.firstIndex(of: UInt8(ascii: ",")), comma > 0,
      comma + 1 < bytes.count, bytes[comma - 1].isDigit, bytes[comma + 1].isDigit
    {
      return [.separator, .decimal]
    }
    return [.thousands]
  }
}
