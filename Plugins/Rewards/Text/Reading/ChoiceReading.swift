// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a text chooses of several options that letters name.
///
/// A letter is a mention of an option where it stands alone: in parentheses, before `)`, `:` or `.`, after "option", or as a
/// capital that is no article, pronoun or variable. A mention is denied by "not", "rather than", "is wrong" and their like
/// right beside it. What names two options with nothing but "or", "and", commas or more of the kind between them, or
/// labels several, chooses none.
struct ChoiceReading {
  /// What a text chooses.
  enum Finding: Equatable {
    /// One option, by its letter, upper case.
    case one(UInt8)
    /// It names options and chooses none of them, or several.
    case unclear
    /// It names no option.
    case none
  }

  /// How strongly a letter looks like an option's name.
  enum Strength { case bare, named, marked }

  /// A letter that names an option.
  struct Mention {
    let letter: UInt8
    /// Its parentheses and label included.
    let range: Range<Int>
    let strength: Strength
    /// Whether words before it deny it.
    var isDeniedBefore = false
    /// Whether words on either side deny it.
    var isDenied = false
  }

  let tokens: [ChoiceToken]
  let letters: Set<UInt8>
  private(set) var mentions: [Mention] = []

  /// Reads a cleaned text.
  ///
  /// - Parameter letters: Those that name options, upper case.
  init(_ text: ArraySlice<UInt8>, letters: Set<UInt8>) {
    tokens = ChoiceToken.tokens(of: text)
    self.letters = letters
    var index = 0
    while index < tokens.count {
      guard let mention = mention(at: index) else {
        index += 1
        continue
      }
      mentions.append(mention)
      index = max(index + 1, mention.range.upperBound)
    }
    for index in mentions.indices {
      mentions[index].isDeniedBefore = isDeniedBefore(index)
      mentions[index].isDenied = mentions[index].isDeniedBefore || isDeniedBehind(index)
    }
  }

  /// The choice of a text that is nothing but an answer: what a box or an answer tag holds.
  func answer() -> Finding {
    if mentions.isEmpty { return .none }
    if let cued = lastCued() { return commitment(from: cued) }
    if let first = mentions.first, tokens[..<first.range.lowerBound].allSatisfy({ Self.leadIns.contains($0.text) }) {
      return first.isDenied ? onlyOne(mentions) : commitment(from: 0)
    }
    return onlyOne(strongest)
  }

  /// The mentions that are marked or named, where they choose; else all.
  private var strongest: [Mention] {
    let strong = mentions.filter { $0.strength != .bare }
    return strong.contains { !$0.isDenied } ? strong : mentions
  }

  /// The choice of an expected answer: a letter, with what it stands before.
  func expected() -> Finding {
    guard let first = mentions.first,
      first.strength != .bare || tokens[..<first.range.lowerBound].allSatisfy({ Self.leadIns.contains($0.text) })
    else { return .none }
    return answer()
  }

  /// The choice of a whole response.
  func response() -> Finding {
    if let cued = lastCued() { return commitment(from: cued) }
    if let start = endOfLastAnswerCue() {
      return onlyOne(mentions.filter { $0.range.lowerBound >= start && $0.strength != .bare })
    }
    if mentions.isEmpty { return .none }
    if let last = loneOnLastLine() { return last }
    if let first = mentions.first, first.range.lowerBound == 0, isOption(first) {
      return first.isDenied ? .unclear : commitment(from: 0)
    }
    // A capital alone may be a point or a name; beside others that are ruled out it is an option.
    let isChoosing = tokens.count <= 12 || mentions.contains { $0.isDenied || $0.strength != .bare }
    return isChoosing ? onlyOne(strongest.filter { isOption($0) || $0.isDenied }) : .none
  }

  /// Whether no noun beside a capital makes it another's name: `angle A`, `vitamin C`, `Team B wins`.
  private func isOption(_ mention: Mention) -> Bool {
    guard mention.strength == .bare else { return true }
    let start = mention.range.lowerBound
    if start > 0, !tokens[start].beginsLine, tokens[start - 1].isWord,
      !Self.mayPrecede.contains(tokens[start - 1].text),
      !tokens[start - 1].isUnspaced, tokens[start - 1].letter == nil
    {
      return false
    }
    guard mention.range.upperBound < tokens.count else { return true }
    let after = tokens[mention.range.upperBound]
    return after.beginsLine || !after.isWord || after.isUnspaced || Self.mayFollow.contains(after.text)
      || after.letter != nil || after.text.utf8.first?.isDigit == true
  }

  /// The letter, where all that are not denied are the same and none of them is denied elsewhere.
  private func onlyOne(_ mentions: [Mention]) -> Finding {
    if mentions.isEmpty { return .none }
    let kept = Set(mentions.filter { !$0.isDenied }.map(\.letter))
    guard kept.count == 1, let letter = kept.first, !mentions.contains(where: { $0.isDenied && $0.letter == letter })
    else { return .unclear }
    return .one(letter)
  }

  /// The letter of a mention, unless what follows names another beside it, or takes it back.
  private func commitment(from start: Int) -> Finding {
    let chosen = mentions[start]
    if chosen.isDenied {
      // `not A but B`
      guard start + 1 < mentions.count, !mentions[start + 1].isDenied,
        tokens[chosen.range.upperBound..<mentions[start + 1].range.lowerBound].prefix(6).contains(where: {
          $0.text == "but"
        }),
        joins(chosen, mentions[start + 1])
      else { return .unclear }
      return commitment(from: start + 1)
    }
    var last = chosen
    var reason = chosen.range.upperBound
    var gaveReason = false
    for other in mentions[(start + 1)...] {
      while reason < other.range.lowerBound, !gaveReason {
        gaveReason = Self.reasons.contains(tokens[reason].text)
        reason += 1
      }
      if other.letter == chosen.letter {
        if other.isDenied { return .unclear }
        last = other
        continue
      }
      if other.isDenied { continue }
      if joins(last, other) || !gaveReason && isAlternative(other, to: chosen) { return .unclear }
    }
    return .one(chosen.letter)
  }

  /// Whether only marks and words such as "or" stand between two mentions.
  private func joins(_ first: Mention, _ second: Mention) -> Bool {
    // `C. A and B`: the text of an option may name others.
    if first.strength == .marked, second.strength == .bare, first.range.upperBound == second.range.lowerBound,
      !tokens[second.range.lowerBound].beginsLine
    {
      return false
    }
    let between = tokens[first.range.upperBound..<second.range.lowerBound]
    // `The answer is B. A is too small.`
    if between.contains(where: { $0.text == "." }), second.strength == .bare, second.range.upperBound < tokens.count {
      let next = tokens[second.range.upperBound]
      if next.isWord, !["or", "and"].contains(next.text) { return false }
    }
    return between.allSatisfy {
      !$0.isWord && !$0.text.hasPrefix("\\") || Self.joiners.contains($0.text)
    }
  }

  /// Whether a mention is offered beside another: a label on its own line, or a marked one after "or" or a comma.
  private func isAlternative(_ other: Mention, to chosen: Mention) -> Bool {
    guard other.strength != .bare else { return false }
    let start = other.range.lowerBound
    if other.strength == .marked, tokens[start].beginsLine, chosen.strength == .marked { return true }
    // `A) 5 B) 6`
    let distance = start - chosen.range.upperBound
    if other.strength == .marked, chosen.strength == .marked, distance <= 8,
      !tokens[chosen.range.upperBound..<start].contains(where: { [".", "!", "?"].contains($0.text) })
    {
      return true
    }
    let between = tokens[chosen.range.upperBound..<start].suffix(4)
    let before = between.last { !["either", "maybe", "perhaps", "also", "possibly"].contains($0.text) }
    return before.map { Self.offers.contains($0.text) } ?? true
  }

  /// The mention that the last "the answer is", "I choose", "B is correct" or their like points at.
  private func lastCued() -> Int? {
    mentions.indices.last { isCued(mentions[$0]) }
  }

  private func isCued(_ mention: Mention) -> Bool {
    isCuedBefore(mention) || isCuedBehind(mention)
  }

  /// "the answer is", "correct option:", "I choose", 答案是, 故选 before a mention.
  private func isCuedBefore(_ mention: Mention) -> Bool {
    var index = mention.range.lowerBound
    var steps = 0
    var sawVerb = false
    var isClose = true
    while index > 0, steps < 16 {
      index -= 1
      steps += 1
      let word = tokens[index].text
      if !isClose {
        // `the answer to the question in the picture is B`
        if ["answer", "案"].contains(word) { return true }
        if [".", "?", "!", ";"].contains(word) { return false }
        continue
      }
      // 选项 only names; 选 chooses.
      let isName = ["选", "選"].contains(word) && ["项", "項"].contains(tokens[index + 1].text)
      if Self.cues.contains(word), !isName { return true }
      if ["option", "choice", "letter"].contains(word), index > 0, Self.rightWords.contains(tokens[index - 1].text) {
        return true
      }
      if ["is", ":", "是", "为", "為"].contains(word) { sawVerb = true }
      if !Self.fillers.contains(word) && !Self.denials.contains(word) {
        if !sawVerb { return false }
        isClose = false
      }
    }
    return false
  }

  /// "is correct", "is the answer", 正确 behind a mention.
  private func isCuedBehind(_ mention: Mention) -> Bool {
    guard !mention.isDenied else { return false }
    var sawVerb = false
    for token in tokens[mention.range.upperBound...].prefix(6) {
      if ["is", "was", "must", "be", "seems", "是", "为"].contains(token.text) { sawVerb = true }
      if token.text == "正" { return true }
      if Self.rightWords.contains(token.text) || Self.cues.contains(token.text) { return sawVerb }
      if !["is", "was", "must", "be", "seems", "the", "therefore", "thus", "clearly", "是", "为", "项"].contains(
        token.text)
      {
        return false
      }
    }
    return false
  }

  /// Where the last "answer is" or "answer:" ends that points at no mention.
  private func endOfLastAnswerCue() -> Int? {
    tokens.indices.last { index in
      guard ["answer", "答案"].contains(tokens[index].text) || isChineseAnswer(at: index) else { return false }
      let after = tokens[(index + 1)...].prefix(2).map(\.text)
      return after.contains { ["is", ":", "是", "为"].contains($0) }
    }.map { $0 + 2 }
  }

  private func isChineseAnswer(at index: Int) -> Bool {
    tokens[index].text == "案" && index > 0 && tokens[index - 1].text == "答"
  }

  /// What a last line says that is nothing but one option's letter, where no line before it is of the same kind.
  private func loneOnLastLine() -> Finding? {
    guard let start = tokens.lastIndex(where: \.beginsLine), let last = mentions.last, last.range.lowerBound >= start,
      tokens[start..<last.range.lowerBound].allSatisfy({ Self.leadIns.contains($0.text) }),
      tokens[last.range.upperBound...].allSatisfy({ !$0.isWord && !$0.text.hasPrefix("\\") })
    else { return nil }
    if last.isDenied { return .unclear }
    let isListed = mentions.dropLast().last.map { before in
      before.letter != last.letter && joins(before, last)
    }
    return isListed == true ? .unclear : .one(last.letter)
  }
}
