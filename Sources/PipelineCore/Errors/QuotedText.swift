// SPDX-License-Identifier: Apache-2.0

extension String {
  /// The text as shown in messages: the middle of a long text is left out.
  ///
  /// Ids and groups come from files and may have any length.
  public var shortenedForMessage: String {
    let limit = 80
    guard unicodeScalars.count > limit else { return self }
    return "\(String(unicodeScalars.prefix(limit / 2)))…\(String(unicodeScalars.suffix(limit / 2 - 1)))"
  }

  /// The same in single quotes.
  public var quotedForMessage: String { "'\(shortenedForMessage)'" }
}
