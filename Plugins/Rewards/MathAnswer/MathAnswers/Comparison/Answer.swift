// SPDX-License-Identifier: Apache-2.0

/// An answer that has been read: what it looks like, and what it can mean.
struct Answer {
  let bytes: [UInt8]
  let form: AnswerForm
  /// The ways to read it, at most two; empty when it is no expression.
  let readings: [Node]
  /// How its commas are meant in each reading.
  let commas: [CommaReading]
  let fault: ReadingFault?

  /// Reads an answer.
  ///
  /// - Parameters:
  ///   - names: Letters that are names of functions here, whatever they are elsewhere.
  ///   - unitsAreVariables: Whether letters are variables where they could be a unit or a word.
  init(_ bytes: [UInt8], names: NameSet = [], unitsAreVariables: Bool = false) {
    self.bytes = bytes
    guard bytes.count <= Tokenizer.largestText else {
      form = AnswerForm([])
      readings = []
      commas = []
      fault = .tooLarge
      return
    }
    form = AnswerForm(bytes[...])
    let bytes = NumberWords.digits(of: bytes) ?? bytes
    var readings: [Node] = []
    var commas: [CommaReading] = []
    var fault: ReadingFault?
    for kind in CommaReadings(bytes).kinds {
      do throws(ReadingFault) {
        readings.append(
          try Parser.node(of: bytes, commas: kind, names: names, unitsAreVariables: unitsAreVariables))
        commas.append(kind)
      } catch {
        fault = error
      }
    }
    self.readings = readings
    self.commas = commas
    self.fault = readings.isEmpty ? fault : nil
  }

  /// Whether a unit may be meant as a product: `2mg`.
  var hasUnit: Bool {
    readings.contains { $0.contains { if case .unit(let unit) = $0 { unit.kind == .measure } else { false } } }
  }
  /// Whether it is a short word that may be meant as a product: `it`.
  var isShortWord: Bool { (2...3).contains(bytes.count) && bytes.allSatisfy(\.isLetter) && !hasVariable }
  /// Whether it has a variable.
  var hasVariable: Bool { readings.contains { !$0.variables.isEmpty } }

  /// The digits of a decimal without zeros at its end: those of `3,50` and `3.5`.
  private static func decimalDigits(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    var digits = bytes.filter(\.isDigit)[...]
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return digits
  }

  /// Whether two readings go together: commas that can be meant in two ways are meant in the same way on both sides,
  /// and a comma is one of decimals only where the other side has the same digits with a point.
  func agrees(_ index: Int, _ other: Answer, _ otherIndex: Int) -> Bool {
    let (kind, otherKind) = (commas[index], other.commas[otherIndex])
    if kind == .sameDecimal || otherKind == .sameDecimal {
      guard kind != otherKind else { return false }
      let (comma, point) = kind == .sameDecimal ? (self, other) : (other, self)
      return point.bytes.contains(UInt8(ascii: ".")) && !point.bytes.contains(UInt8(ascii: ","))
        && Self.decimalDigits(comma.bytes) == Self.decimalDigits(point.bytes)
    }
    return commas.count == 1 || other.commas.count == 1 || kind == otherKind
  }
}
