// SPDX-License-Identifier: Apache-2.0

/// Classes of characters, as Python's `str` has them.
extension Unicode.Scalar {
  /// `str.isspace`.
  var isPythonSpace: Bool {
    switch value {
    case 9...13, 28...32, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// What `str.splitlines` splits at.
  var isPythonLineEnd: Bool {
    switch value {
    case 10...13, 28...30, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  /// `str.isprintable`.
  var isPythonPrintable: Bool {
    if value < 0x7F { return value >= 32 }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }

  var isPythonAlpha: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  var isPythonDecimal: Bool { properties.numericType == .decimal }
  var isPythonDigit: Bool { properties.numericType == .decimal || properties.numericType == .digit }
  var isPythonNumeric: Bool { properties.numericType != nil }
  var isPythonAlphanumeric: Bool { isPythonAlpha || isPythonNumeric }
  var isPythonUpper: Bool { properties.isUppercase }
  var isPythonLower: Bool { properties.isLowercase }
  var isPythonTitle: Bool { properties.generalCategory == .titlecaseLetter }
}

extension Text {
  /// `str.upper`.
  var uppercased: Text {
    if isASCII { return Text(bytes.map { (97...122).contains($0) ? $0 - 32 : $0 }) }
    return Text(string.unicodeScalars.map(\.properties.uppercaseMapping).joined())
  }

  /// `str.lower`, with the final form of sigma.
  var lowercased: Text {
    if isASCII { return Text(bytes.map { (65...90).contains($0) ? $0 + 32 : $0 }) }
    let scalars = self.scalars
    return Text(scalars.indices.map { Self.lower(scalars, $0) }.joined())
  }

  /// `str.title`.
  var titlecased: Text {
    let scalars = self.scalars
    var words = ""
    var follows = false
    for index in scalars.indices {
      words += follows ? Self.lower(scalars, index) : scalars[index].properties.titlecaseMapping
      follows = scalars[index].properties.isCased
    }
    return Text(words)
  }

  /// `str.capitalize`.
  var capitalized: Text {
    let scalars = self.scalars
    guard let first = scalars.first else { return self }
    return Text(
      first.properties.titlecaseMapping + scalars.indices.dropFirst().map { Self.lower(scalars, $0) }.joined())
  }

  /// `str.swapcase`.
  var swappedCase: Text {
    let scalars = self.scalars
    return Text(
      scalars.indices.map { index in
        let scalar = scalars[index]
        if scalar.isPythonUpper { return Self.lower(scalars, index) }
        return scalar.isPythonLower ? scalar.properties.uppercaseMapping : String(scalar)
      }.joined())
  }

  private static func lower(_ scalars: [Unicode.Scalar], _ index: Int) -> String {
    guard scalars[index].value == 0x3A3 else { return scalars[index].properties.lowercaseMapping }
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
    return before && !after ? "\u{3C2}" : "\u{3C3}"
  }
}
