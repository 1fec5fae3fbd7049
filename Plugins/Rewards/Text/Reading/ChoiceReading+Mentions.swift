// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension ChoiceReading {
  /// The mention of an option that begins at a token, parentheses included.
  func mention(at index: Int) -> Mention? {
    let token = tokens[index]
    if token.text == "(" || token.text == "[" {
      guard index + 2 < tokens.count, let letter = option(at: index + 1),
        tokens[index + 2].text == (token.text == "(" ? ")" : "]")
      else { return nil }
      // `f(A)`: an argument.
      if !token.spaced, !token.beginsLine, index > 0, isName(tokens[index - 1]) { return nil }
      return Mention(letter: letter, range: index..<index + 3, strength: .marked)
    }
    guard let letter = option(at: index), let written = token.letter else { return nil }
    let before = index > 0 && !token.beginsLine ? tokens[index - 1] : nil
    let after = index + 1 < tokens.count ? tokens[index + 1] : nil
    if isPartOfFormula(index, before, after) { return nil }
    let isNamed = before.map { ["option", "choice", "letter", "选", "項", "项"].contains($0.text) } ?? false
    if let after, [")", ":", "."].contains(after.text), !after.spaced {
      let next = index + 2 < tokens.count ? tokens[index + 2] : nil
      // `A.B`, `A.5` and `A:B` are no labels.
      let isJoined = next.map { !$0.spaced && !$0.beginsLine && isName($0) && after.text != ")" } ?? false
      if isJoined { return nil }
      let opens = before.map { !$0.isWord || isNamed || ["or", "and"].contains($0.text) } ?? true
      let isLabel = after.text == ")" || after.text == ":" || next != nil
      if isLabel, opens || after.text == ")" {
        return Mention(letter: letter, range: index..<index + 2, strength: .marked)
      }
    }
    if isNamed { return Mention(letter: letter, range: index..<index + 1, strength: .named) }
    let goesOn = after.map { $0.isWord && !$0.beginsLine } ?? false
    if !written.isCapital {
      // A small letter alone: the whole text, or what a cue or a colon ends with.
      guard !goesOn,
        before == nil || before.map({ [":", "is", "-", "="].contains($0.text) || Self.cues.contains($0.text) }) == true
      else { return nil }
    } else if goesOn, let after, !["or", "and", "is"].contains(after.text), !after.isUnspaced {
      // `A cat`, `I think`.
      if written == UInt8(ascii: "I") { return nil }
      if written == UInt8(ascii: "A"), after.letter?.isCapital != true, !(before?.isWord ?? false),
        !Self.reasons.contains(after.text), after.text != "was"
      {
        return nil
      }
    }
    return Mention(letter: letter, range: index..<index + 1, strength: .bare)
  }

  /// The option that a single letter names, upper case.
  private func option(at index: Int) -> UInt8? {
    guard let letter = tokens[index].letter?.uppercased, letters.contains(letter) else { return nil }
    return letter
  }

  private func isName(_ token: ChoiceToken) -> Bool {
    token.isWord && !token.isUnspaced
  }

  /// Whether a letter is a variable, a point or a part of a word with a hyphen: `A = 5`, `∠B`, `B(x)`, `A-level`.
  private func isPartOfFormula(_ index: Int, _ before: ChoiceToken?, _ after: ChoiceToken?) -> Bool {
    if let after {
      if after.text == "'", before?.text == "'" { return false }
      if ["=", "+", "^", "<", ">", "×", "·", "°", "'", "≈", "≠", "∥", "⊥"].contains(after.text) { return true }
      if ["(", "["].contains(after.text), !after.spaced, index + 2 < tokens.count, option(at: index + 2) == nil {
        return true
      }
      if after.text == "-", !after.spaced, index + 2 < tokens.count, !tokens[index + 2].spaced,
        isName(tokens[index + 2])
      {
        return true
      }
      if after.text.hasPrefix("\\"), !after.spaced { return true }
    }
    guard let before else { return false }
    // `answer=B`
    if before.text == "=", index > 1, Self.cues.contains(tokens[index - 2].text) { return false }
    if ["=", "+", "^", "∠", "△", "⊙", "×", "·", "≈", "≠", "∥", "⊥"].contains(before.text) { return true }
    if before.text.hasPrefix("\\") { return true }
    return ["-", "."].contains(before.text) && !tokens[index].spaced && index > 1 && isName(tokens[index - 2])
      && !before.spaced
  }

  /// Whether words before a mention say that it is not chosen; those of the mentions before it are known.
  func isDeniedBefore(_ index: Int) -> Bool {
    var position = mentions[index].range.lowerBound
    var steps = 0
    while position > 0, steps < 8 {
      position -= 1
      steps += 1
      let word = tokens[position].text
      if Self.denials.contains(word) || word.hasSuffix("n't") { return true }
      if word == "than" || word == "of" {
        if position > 0, ["rather", "instead"].contains(tokens[position - 1].text) { return true }
        return false
      }
      // `not A or B`, `neither A nor B`.
      if ["or", "nor", ",", "或", "和"].contains(word), index > 0, mentions[index - 1].range.upperBound == position {
        return mentions[index - 1].isDeniedBefore
      }
      if !Self.between.contains(word) { return false }
    }
    return false
  }

  /// Whether words behind a mention say that it is not chosen.
  func isDeniedBehind(_ index: Int) -> Bool {
    var steps = 0
    var next = index + 1
    var position = mentions[index].range.upperBound
    var sawVerb = false
    while position < tokens.count, steps < 8 {
      let token = tokens[position]
      if next < mentions.count, mentions[next].range.lowerBound == position {
        // `A and C are wrong`.
        guard position > 0, ["and", "or", ",", "和", "与"].contains(tokens[position - 1].text) else { return false }
        position = mentions[next].range.upperBound
        next += 1
        steps += 1
        continue
      }
      if ["不", "错", "錯", "误", "非"].contains(token.text) { return true }
      if token.text.hasSuffix("n't") || token.text == "cannot" || token.text == "fails" { return true }
      if Self.wrongWords.contains(token.text) {
        return sawVerb || !["out", "not", "never", "ruled"].contains(token.text)
      }
      if Self.verbs.contains(token.text) { sawVerb = true } else if !Self.beside.contains(token.text) { return false }
      position += 1
      steps += 1
    }
    return false
  }

  /// What may stand before a choice that is the whole answer.
  static let leadIns: Set<String> = [
    "the", "correct", "right", "best", "final", "my", "answer", "option", "choice", "letter", "is", "it", "it's", "i",
    "think",
    "believe", "say", "guess", "would", "choose", "select", "pick", "go", "with", "so", "therefore", "thus", "hence",
    "must",
    "should", "be", "likely", "probably", "most", ",", ":", "-", "#", ">", "=", ".", "选", "项", "故", "应", "答", "案", "为",
    "是", "正", "确", "择",
  ]

  /// Words before a letter that make it no part of a name.
  static let mayPrecede = leadIns.union(cues).union(fillers).union(joiners).union(denials).union(between).union(verbs)
    .union(["like", "than", "over", "only", "surely", "say", "picking", "choosing", "selecting", "vote", "leaning"])

  /// Words behind a letter that make it no part of a name.
  static let mayFollow = verbs.union(reasons).union(joiners).union(rightWords).union(wrongWords).union(cues)
    .union(["over", "rather", "instead", "since", "seems", "fits", "here", "too", "only"])

  /// What points at the choice that follows, or that stands before "is".
  static let cues: Set<String> = [
    "answer", "ans", "choose", "chose", "select", "selected", "pick", "picked", "案", "选", "選", "择", "擇", "답",
  ]

  /// What may stand between a cue and the choice.
  static let fillers: Set<String> = [
    "is", "are", "was", "would", "should", "must", "will", "be", "to", "this", "that", "the", "question", "problem",
    "correct",
    "right", "best", "option", "choice", "letter", "therefore", "thus", "indeed", "clearly", "definitely", "likely",
    "probably",
    "most", "final", "simply", "just", "sure", "certainly", "obviously", "surely", "actually", "of", "course", "as",
    "with", "for", ":", "'", "-", "—", "–", "=", ",", "#", ">", "|", "→", "是",
    "为", "為", "应", "應",
    "项", "項", "该", "的", "选", "選", "择", "擇", "正", "确", "確", "은", "는", "は", "え",
  ]

  /// What says that a choice is right.
  static let rightWords: Set<String> = ["correct", "right", "best", "true"]

  /// What stands between options of which none is chosen.
  static let joiners: Set<String> = [
    "no", "wait", "actually", "sorry", "hmm", "or", "and", "and/or", "either", "both", "maybe", "perhaps", "possibly",
    "alternatively", "also", "but", "it",
    "could", "might",
    "may", "can", "be", "is", "the", "answer", "option", "choice", "even", "then", "again", "otherwise", "else", "well",
    "as", "或", "和",
    "与", "及", "者", "또는", "か", "と",
  ]

  /// What stands right before an option that is offered beside another.
  static let offers: Set<String> = ["or", "and", ",", ";", "/", "&", "+", "|", "或", "和", "与", "option", "choice"]

  /// What begins the reason for a choice, in which others may be named.
  static let reasons: Set<String> = [
    "because", "since", "as", "while", "whereas", "unlike", "so", "which", "where", "whose", "given", "for", "因", "因为",
    "由",
  ]

  /// What denies the choice that follows.
  static let denials: Set<String> = [
    "not", "never", "neither", "nor", "cannot", "eliminate", "eliminated", "eliminating", "exclude", "excluded",
    "excluding",
    "reject", "rejected", "discard", "discarded", "except", "unlike", "out", "isn't", "非", "不", "排", "除",
  ]

  /// What may stand between a denial and the choice.
  static let between: Set<String> = [
    "be", "is", "the", "a", "correct", "right", "best", "answer", "option", "options", "choice", "choices", "letter",
    "either", "both",
    ":", "是", "选", "選", "项", "項", "能", "为",
  ]

  /// What may stand between a choice and what denies it.
  static let verbs: Set<String> = [
    "is", "are", "was", "were", "seems", "seem", "looks", "look", "would", "could", "can", "must", "be", "是", "项", "項",
  ]
  static let beside: Set<String> = [
    ")", "also", "both", "clearly", "definitely", "obviously", "therefore", "thus", "option", "options", "answer",
    "and", "or", ",",
    "simply", "the", "和", "与", "选", "明", "显",
  ]

  /// What denies the choice before it.
  static let wrongWords: Set<String> = [
    "not", "incorrect", "wrong", "false", "invalid", "impossible", "eliminated", "excluded", "rejected", "ruled",
    "untrue", "out",
    "unlikely", "never",
  ]
}
