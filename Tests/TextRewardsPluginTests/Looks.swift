// SPDX-License-Identifier: Apache-2.0

/// Other looks of a text, which must not change a verdict.
enum Looks {
  /// The text in bold, in code, with space around it, a full stop behind it and in full-width characters.
  static func variants(of text: String) -> [String] {
    let fullWidth = String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          // Tags and commands of TeX are written in ASCII only.
          let isPlain = !text.contains("<") && !text.contains("\\")
          return isPlain && (0x30...0x7A).contains(scalar.value) || "()".unicodeScalars.contains(scalar)
            ? UnicodeScalar(scalar.value + 0xFEE0) ?? scalar : scalar
        }))
    return [
      "**\(text)**", "__\(text)__", "`\(text)`", "```\n\(text)\n```", "```text\n\(text)\n```", " \(text) ",
      "\n\n\(text)\n", "\(text).",
      "\(text)。", "\u{3000}\(text)", "\(text) .", "**\(text).**", fullWidth,
    ]
  }
}
