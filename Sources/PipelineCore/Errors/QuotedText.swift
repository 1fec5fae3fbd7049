// SPDX-License-Identifier: Apache-2.0

extension String {
  /// The text as messages show it: its middle left out where it is long.
  ///
  /// Ids and groups come from files and may be of any length; a message stays a message.
  public var shortenedForMessage: String {
    let limit = 80
    guard unicodeScalars.count > limit else { return self }
    return "\(String(unicodeScalars.prefix(limit / 2)))…\(String(unicodeScalars.suffix(limit / 2 - 1)))"
  }

  /// The same in single quotes.
  public var quotedForMessage: String { "'\(shortenedForMessage)'" }
}
