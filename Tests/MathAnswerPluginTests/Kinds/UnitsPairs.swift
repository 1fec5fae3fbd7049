// SPDX-License-Identifier: Apache-2.0

/// Pairs of answers: units, percentages, degrees.
enum UnitsPairs {
  /// Pairs that say the same.
  static let equal: [(String, String)] = [
    (#"5 cm"#, #"5"#),
    (#"5\text{ cm}"#, #"5"#),
    (#"5 \mathrm{~cm}"#, #"5 cm"#),
    (#"5 cm"#, #"50 mm"#),
    (#"12\text{ cm}^2"#, #"12"#),
    (#"12 cm²"#, #"12\text{ cm}^2"#),
    (#"3 hours"#, #"3"#),
    (#"180 minutes"#, #"3 hours"#),
    (#"50%"#, #"50"#),
    (#"50\%"#, #"0.5"#),
    (#"50 percent"#, #"50%"#),
    (#"50\%"#, #"\frac12"#),
    (#"90^\circ"#, #"90"#),
    (#"90°"#, #"90^{\circ}"#),
    (#"90 degrees"#, #"90^\circ"#),
    (#"\sin 30^\circ"#, #"0.5"#),
    (#"180^\circ"#, #"\pi"#),
    (#"5 m/s"#, #"5"#),
    (#"60 km/h"#, #"60"#),
    (#"60 km/h"#, #"60 \text{ km per hour}"#),
    (#"5 dollars"#, #"\$5"#),
    (#"$5"#, #"5 dollars"#),
    (#"5 apples"#, #"5"#),
    (#"5 apples"#, #"5 Apples"#),
    (#"10\text{ units}"#, #"10"#),
    (#"10 \text{ square units}"#, #"10"#),
    (#"24 square cm"#, #"24\text{ cm}^2"#),
    (#"3 meters"#, #"3 m"#),
    (#"2.5 kg"#, #"2500 g"#),
    (#"25\text{ years old}"#, #"25"#),
    (#"5\sqrt{2}\text{ cm}"#, #"5\sqrt2"#),
    (#"36\pi \text{ cubic inches}"#, #"36\pi"#),
    (#"\frac{3}{4}\text{ hours}"#, #"45 min"#),
    (#"120 sq ft"#, #"120"#),
    (#"20°C"#, #"20"#),
    (#"x = 5\text{ cm}"#, #"5"#),
    (#"5\,\text{cm}"#, #"5"#),
    (#"1 foot"#, #"12 inches"#),
    (#"10\text{ mph}"#, #"10"#),
    (#"3 cups"#, #"3"#),
    (#"5th"#, #"5"#),
    (#"2/3 cup"#, #"\frac23"#),
    (#"3 feet 4 inches"#, #"40 inches"#),
    (#"Area: 12"#, #"12"#),
    (#"12 square feet"#, #"12\text{ ft}^2"#),
  ]
  /// Pairs that say different things.
  static let different: [(String, String)] = [
    (#"5 cm"#, #"5 m"#),
    (#"5 cm"#, #"6"#),
    (#"50%"#, #"0.05"#),
    (#"50%"#, #"5"#),
    (#"50"#, #"0.5"#),
    (#"90^\circ"#, #"91"#),
    (#"3 hours"#, #"3 minutes"#),
    (#"€5"#, #"\$5"#),
    (#"12 cm^2"#, #"12 cm"#),
    (#"5 kg"#, #"5 m"#),
    (#"60^\circ"#, #"1"#),
    (#"5 apples"#, #"6 apples"#),
    (#"2abcd"#, #"2"#),
    (#"5m"#, #"5"#),
    (#"20 degrees"#, #"20%"#),
  ]
  /// Pairs that cannot be told apart or alike.
  static let unknown: [(String, String)] = [
    (#"5 apples"#, #"5 oranges"#)
  ]
}
