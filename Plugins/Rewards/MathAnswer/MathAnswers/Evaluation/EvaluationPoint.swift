// SPDX-License-Identifier: Apache-2.0

/// Where expressions are evaluated: what value each variable has, and how units count.
struct EvaluationPoint {
  /// Which variables may be.
  enum Domain {
    /// Real numbers of either sign.
    case real
    /// Positive real numbers.
    case positive
    /// Whole numbers from 2 to 13, for factorials of variables.
    case whole
    /// Real numbers of either sign and of any size up to a hundred thousand, every other one whole.
    case wide
    /// Positive ones of them.
    case wideAndPositive
    /// Whole numbers of either sign, small and large.
    case wideAndWhole
  }

  /// How units count.
  enum Units {
    /// A centimetre is a hundredth of a metre, a percent a hundredth, a degree π/180.
    case converted
    /// As 1, where they multiply the whole: `5 cm` is 5.
    case dropped
    /// Only words that are no known unit count as 1.
    case wordsDropped
  }

  var index = 0
  var domain = Domain.real
  var units = Units.converted
  /// Whether `\log` without a base is that to base 10.
  var logarithmsAreCommon = false

  /// Whether a function of which only the name is known has another value at each point, as a variable has.
  var variesFunctions = false
  /// A variable with a value of its own.
  var fixed: (symbol: Symbol, value: Double)?

  /// The sizes of the wide domains.
  private static let scales: [Double] = [3, 12, 40, 150, 1000, 100_000]

  /// The value of a variable, the same for the same name and index.
  func value(of symbol: Symbol) -> ComplexValue {
    if let fixed, fixed.symbol == symbol { return ComplexValue(WideFloat(fixed.value)) }
    let bits = Symbol.mixed(symbol.hash, UInt64(index) &+ 0x51)
    switch domain {
    case .wide, .wideAndPositive, .wideAndWhole:
      let scale = Self.scales[index % Self.scales.count]
      var magnitude = scale * Double(bits >> 12) * 0x1p-52
      // Dyadic with few digits, so that sums are exact.
      magnitude = (magnitude * 256).rounded() / 256
      if domain == .wideAndWhole || bits & 2 == 0 { magnitude.round() }
      let isNegative = domain != .wideAndPositive && bits & 1 == 1
      return ComplexValue(WideFloat(isNegative ? -magnitude : magnitude))
    case .whole: return ComplexValue(2 + Int(bits % 12))
    case .real, .positive:
      // Dyadic, in ±[0.25, 2.25): small enough for powers, away from 0, 1 and their kind.
      let magnitude = 0.25 + Double(bits >> 12) * 0x1p-51
      let isNegative = domain == .real && index > 0 && Symbol.mixed(bits, 5) & 1 == 1
      return ComplexValue(WideFloat(isNegative ? -magnitude : magnitude))
    }
  }

  /// The residue of a variable, another one for each index.
  static func residue(of symbol: Symbol, _ index: UInt64) -> Residue {
    let numerator = Remainder(
      one: Symbol.mixed(symbol.hash, 101 &+ 2 &* index) >> 4, two: Symbol.mixed(symbol.hash, 102 &+ 2 &* index) >> 3)
    return Residue(numerator: numerator, denominator: .one)
  }
}

/// How much work one verdict may take, counted and not timed.
struct Budget {
  private(set) var steps = 400_000
  /// Whether nothing is left.
  var isSpent: Bool { steps < 0 }

  /// Takes some steps.
  ///
  /// - Throws: When none are left.
  mutating func spend(_ count: Int = 1) throws(EvaluationFault) {
    steps -= count
    if steps < 0 { throw .tooLarge }
  }
}
