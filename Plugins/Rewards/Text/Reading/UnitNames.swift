// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Short names of units, which may stand right behind a number: `5cm`, `30 min`.
enum UnitNames {
  private static let names: Set<String> = [
    "m", "cm", "mm", "km", "nm", "um", "µm", "dm", "in", "ft", "yd", "mi", "g", "kg", "mg", "lb", "lbs", "oz", "t", "s",
    "ms", "min", "h",
    "hr", "hrs", "sec", "secs", "mins", "d", "L", "l", "mL", "ml", "cL", "dL", "N", "J", "kJ", "W", "kW", "MW", "V",
    "mV", "kV", "A", "mA",
    "Pa", "kPa", "MPa", "Hz", "kHz", "MHz", "GHz", "C", "F", "K", "mol", "rad", "deg", "sq", "cu", "mph", "km/h", "kph",
    "ha", "px", "pt", "pts",
    "B", "KB", "MB", "GB", "TB", "USD", "EUR", "RMB", "CNY", "AM", "PM", "am", "pm", "percent", "degrees", "degree",
    "units", "unit",
    "people", "cal", "kcal", "eV", "dB", "atm", "bar", "Nm", "kN", "kWh", "Wh", "sr", "cd", "lm", "lx", "ohm", "mpg",
    "fps", "rpm",
  ]

  /// What "thousand" and its like multiply a number by.
  static func multiplier(_ word: ArraySlice<UInt8>) -> Double? {
    switch word.count <= 8 ? word.text.lowercased() : "" {
    case "hundred": 1e2
    case "thousand": 1e3
    case "million": 1e6
    case "billion": 1e9
    case "trillion": 1e12
    case "万", "萬": 1e4
    case "亿", "億": 1e8
    default: nil
    }
  }

  /// Whether a word is one.
  static func contains(_ word: ArraySlice<UInt8>) -> Bool { word.count <= 8 && names.contains(word.text) }
}
