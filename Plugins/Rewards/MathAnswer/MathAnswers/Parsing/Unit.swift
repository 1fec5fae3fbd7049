// SPDX-License-Identifier: Apache-2.0

/// A unit of measure, a percent sign, a degree sign, or any other word that follows a number.
struct Unit {
  /// What is measured, as a variable of its own: lengths in metres, times in seconds; nil where it is a plain factor.
  var base: Symbol?
  /// The power of the base: 3 for a litre.
  var power = 1
  /// How much of the base it is.
  var numerator: UInt64 = 1
  var denominator: UInt64 = 1
  /// What else is to know about it.
  var kind = Kind.measure

  enum Kind {
    /// A known unit.
    case measure
    /// An angle in degrees: `π/180` where it is converted.
    case degree
    /// A percent sign.
    case percent
    /// A word that is no known unit: `5 apples`.
    case word
    /// `units`, which says nothing.
    case nothing
  }

  /// Whether it stands before its number.
  var isCurrency: Bool {
    [Self.dollar, .euro, .pound, .yen, .rupee].contains { $0.base == base && $0.base != nil }
  }

  static func word(_ bytes: some Sequence<UInt8>) -> Unit {
    Unit(base: Symbol(hash: Symbol.mixed(Symbol.hash(bytes), 1)), kind: .word)
  }
}

/// The units by name.
enum UnitTable {
  /// The unit of a word in lower case, also in the plural.
  static func unit(named word: ArraySlice<UInt8>) -> Unit? {
    if let unit = units[Symbol.hash(word)] { return unit }
    guard word.count > 3, word.last == UInt8(ascii: "s") else { return nil }
    return units[Symbol.hash(word.dropLast())]
  }

  /// The unit of a single letter, as in `5\text{ m}`.
  static func unit(letter: UInt8) -> Unit? { letters[letter] }

  private static let metre = Symbol("unit:metre")
  private static let gram = Symbol("unit:gram")
  private static let second = Symbol("unit:second")
  private static let litre = Symbol("unit:metre")

  private static let letters: [UInt8: Unit] = [
    UInt8(ascii: "m"): Unit(base: metre), UInt8(ascii: "g"): Unit(base: gram), UInt8(ascii: "s"): Unit(base: second),
    UInt8(ascii: "h"): Unit(base: second, numerator: 3600),
    UInt8(ascii: "L"): Unit(base: litre, power: 3, denominator: 1000),
    UInt8(ascii: "l"): Unit(base: litre, power: 3, denominator: 1000),
    UInt8(ascii: "N"): Unit(base: Symbol("unit:newton")), UInt8(ascii: "J"): Unit(base: Symbol("unit:joule")),
    UInt8(ascii: "W"): Unit(base: Symbol("unit:watt")), UInt8(ascii: "V"): Unit(base: Symbol("unit:volt")),
    UInt8(ascii: "K"): Unit(base: Symbol("unit:kelvin")),
  ]

  private static let units: [UInt64: Unit] = {
    var table: [UInt64: Unit] = [:]
    func add(_ names: String, _ unit: Unit) {
      for name in names.split(separator: " ") { table[Symbol.hash(name.utf8)] = unit }
    }
    add("meter metre", Unit(base: metre))
    add("km kilometer kilometre", Unit(base: metre, numerator: 1000))
    add("dm decimeter decimetre", Unit(base: metre, denominator: 10))
    add("cm centimeter centimetre", Unit(base: metre, denominator: 100))
    add("mm millimeter millimetre", Unit(base: metre, denominator: 1000))
    add("in inch inches", Unit(base: metre, numerator: 254, denominator: 10_000))
    add("ft foot feet", Unit(base: metre, numerator: 3048, denominator: 10_000))
    add("yd yard", Unit(base: metre, numerator: 9144, denominator: 10_000))
    add("mi mile", Unit(base: metre, numerator: 1_609_344, denominator: 1000))
    add("gram gm", Unit(base: gram))
    add("kg kilogram", Unit(base: gram, numerator: 1000))
    add("mg milligram", Unit(base: gram, denominator: 1000))
    add("ton tonne", Unit(base: gram, numerator: 1_000_000))
    add("lb lbs pound", Unit(base: gram, numerator: 45_359_237, denominator: 100_000))
    add("oz ounce", Unit(base: gram, numerator: 28_349_523_125, denominator: 1_000_000_000))
    add("sec second", Unit(base: second))
    add("ms millisecond", Unit(base: second, denominator: 1000))
    add("min mins minute", Unit(base: second, numerator: 60))
    add("hr hrs hour", Unit(base: second, numerator: 3600))
    add("day", Unit(base: second, numerator: 86_400))
    add("week", Unit(base: second, numerator: 604_800))
    // Of no fixed length: units of their own.
    add("month", Unit(base: Symbol("unit:month")))
    add("year yr yrs", Unit(base: Symbol("unit:month"), numerator: 12))
    add("liter litre", Unit(base: litre, power: 3, denominator: 1000))
    add("ml milliliter millilitre", Unit(base: litre, power: 3, denominator: 1_000_000))
    add("gallon gal", Unit(base: Symbol("unit:gallon")))
    add("acre", Unit(base: Symbol("unit:acre")))
    add("hectare ha", Unit(base: metre, power: 2, numerator: 10_000))
    add("mph", Unit(base: Symbol("unit:speed"), numerator: 1_609_344, denominator: 1_000_000))
    add("kmh kph kmph", Unit(base: Symbol("unit:speed")))
    add("dollar usd", Unit(base: Symbol("unit:dollar")))
    add("cent", Unit(base: Symbol("unit:dollar"), denominator: 100))
    add("euro eur", Unit(base: Symbol("unit:euro")))
    add("rupee rs inr", Unit(base: Symbol("unit:rupee")))
    add("yuan", Unit(base: Symbol("unit:yuan")))
    add("newton", Unit(base: Symbol("unit:newton")))
    add("joule", Unit(base: Symbol("unit:joule")))
    add("watt", Unit(base: Symbol("unit:watt")))
    add("volt", Unit(base: Symbol("unit:volt")))
    add("hz hertz", Unit(base: Symbol("unit:hertz")))
    add("ohm", Unit(base: Symbol("unit:ohm")))
    add("kelvin", Unit(base: Symbol("unit:kelvin")))
    add("celsius", Unit(base: Symbol("unit:celsius")))
    add("fahrenheit", Unit(base: Symbol("unit:fahrenheit")))
    add("rad radian", Unit(kind: .nothing))
    add("unit", Unit(kind: .nothing))
    // Short words that would else be variables side by side.
    for name in [
      "cup", "box", "men", "man", "way", "egg", "cow", "pen", "bag", "bus", "car", "boy", "row", "toy", "pie",
    ] {
      table[Symbol.hash(name.utf8)] = .word(name.utf8)
    }
    add("deg degree", .degree)
    add("percent pct percentage", .percent)
    return table
  }()
}

extension Unit {
  static let degree = Unit(kind: .degree)
  static let percent = Unit(denominator: 100, kind: .percent)
  static let celsius = Unit(base: Symbol("unit:celsius"))
  static let fahrenheit = Unit(base: Symbol("unit:fahrenheit"))
  static let dollar = Unit(base: Symbol("unit:dollar"))
  static let euro = Unit(base: Symbol("unit:euro"))
  static let pound = Unit(base: Symbol("unit:sterling"))
  static let yen = Unit(base: Symbol("unit:yen"))
  static let won = Unit(base: Symbol("unit:won"))
  static let rupee = Unit(base: Symbol("unit:rupee"))
}
