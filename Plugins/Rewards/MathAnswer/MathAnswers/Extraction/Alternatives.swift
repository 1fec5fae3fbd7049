// SPDX-License-Identifier: Apache-2.0

/// Tells whether two things are offered beside each other: `3 or 4`, `x = 3, maybe 4`, `between 3 and 4`.
package enum Alternatives {
  /// What the two stand in.
  package enum Place {
    /// A sentence, in which "and" and commas may as well go on.
    case sentence
    /// The same, where "and" parts as "or" does when nothing else stands there.
    case list
    /// Nothing but an answer, whose parts "and" and commas part.
    case answer
  }

  /// How long what stands between two of them can be.
  private static let longest = 60

  /// Whether what stands between two things offers the second beside the first.
  package static func areParted(by between: ArraySlice<UInt8>, in place: Place) -> Bool {
    guard between.count <= longest else { return false }
    var (isParted, isJoined, isTight) = (false, false, true)
    for word in TextWord.words(of: between).map(\.text) {
      if parting.contains(word) {
        isParted = true
      } else if joining.contains(word) || place == .answer && answerMarks.contains(word) {
        isJoined = place != .sentence
      } else if stops.contains(word) {
        // `x=5, y=6`
        let goesOn = place == .answer && isJoined || place == .list && (isJoined || isParted)
        if goesOn, word == "=" || word == "≈" { continue }
        return false
      } else if !fillers.contains(word), place == .sentence || word.utf8.count > 1 {
        isTight = false
      }
    }
    return isParted || isJoined && (place == .answer || isTight)
      || isTight && TextWord.words(of: between).contains { ranging.contains($0.text) }
  }

  private static let parting: Set<String> = ["or", "maybe", "perhaps", "possibly", "alternatively", "或"]
  /// What parts only where nothing else stands between: `3 to 5`, and no `5 to get 12`.
  private static let ranging: Set<String> = ["to", "through", "could", "might", "/", "~", "–", "—", "-", "至", "到"]
  private static let joining: Set<String> = ["and", "&", "和", "与", "及"]
  private static let answerMarks: Set<String> = [",", ";", "、", "\\quad", "\\qquad", "\\\\", "\\cup", "\\pm", "±"]
  /// What ends a sentence, or leads on to what follows.
  private static let stops: Set<String> = [
    "=", "≈", "\\approx", ".", "!", "?", ":", "so", "thus", "therefore", "hence", "is", "are", "equals",
  ]
  private static let fillers: Set<String> = [
    "either", "even", "it", "be", "but", "also", "else", "then", "again", "just", "only", "about", "$", "(", ")", "\\(",
    "\\)", "*", ",", "\\text", "{", "}", "者", "to", "through", "could", "might", "/", "~", "–", "—", "-", "至", "到",
  ]
}
