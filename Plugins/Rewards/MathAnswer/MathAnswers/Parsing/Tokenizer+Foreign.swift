// SPDX-License-Identifier: Apache-2.0

extension Tokenizer {
  /// A run of letters beyond ASCII is a word; of Chinese, Japanese and Korean it may be a unit, a numeral or `or`.
  mutating func readForeignWord(from start: Int) {
    let isEastern = scalar(at: start).0.value >= 0x1100
    while position < bytes.count, bytes[position] >= 0x80 || !isEastern && bytes[position].isLetter {
      if bytes[position] >= 0x80 {
        let (next, length) = scalar(at: position)
        guard next.properties.isAlphabetic, !isEastern || next.value >= 0x1100 else { break }
        position += length
      } else {
        position += 1
      }
    }
    let run = Array(bytes[start..<position])
    guard isEastern else { return emit(.word(run)) }
    readEastern(String(decoding: run, as: UTF8.self))
  }

  private mutating func readEastern(_ word: String) {
    if let token = Self.connectives[word] { return emit(token) }
    // `x 是 5`
    if word == "是" || word == "为", endsOperand { return emit(.relation(.equal)) }
    if Self.fillers.contains(word) {
      followsSpace = true
      return
    }
    for (prefix, token) in Self.signs where word.hasPrefix(prefix) {
      emit(token)
      let rest = String(word.dropFirst(prefix.count))
      if !rest.isEmpty { readEastern(rest) }
      return
    }
    if word == "等于" || word == "等於" { return emit(.relation(.equal)) }
    if word == "分之", readWrittenShare() { return }
    if endsValue { return readUnit(word) }
    if readShare(word) { return }
    let count = ForeignNumerals.prefix(of: word)
    // 三, 十二个, but no numeral that only begins a word: 一定.
    let rest = String(word.dropFirst(count))
    if count > 0, rest.isEmpty || ForeignUnits.unit(named: rest) != nil || Self.counters.contains(rest),
      let value = ForeignNumerals.value(of: word.prefix(count))
    {
      emit(.number(Decimal(value)))
      if !rest.isEmpty { emit(.unit(unitAfterNumber(rest))) }
      return
    }
    emit(.word(Array(word.utf8)))
  }

  /// 五分之二 is 2/5, 百分之五 is 5 %.
  private mutating func readShare(_ word: String) -> Bool {
    guard let range = word.firstRange(of: "分之") else { return false }
    let (below, above) = (word[..<range.lowerBound], word[range.upperBound...])
    guard let denominator = ForeignNumerals.value(of: below), denominator > 0 else { return false }
    if above.isEmpty {
      // 百分之50
      guard position < bytes.count, bytes[position].isDigit else { return false }
      emit(.number(Decimal(1)))
      emit(.divide)
      emit(.number(Decimal(denominator)))
      emit(.times)
      return true
    }
    guard let numerator = ForeignNumerals.value(of: above) else { return false }
    if denominator == 100 {
      emit(.number(Decimal(numerator)))
      emit(.unit(.percent))
    } else {
      emit(.open(UInt8(ascii: "{")))
      emit(.number(Decimal(numerator)))
      emit(.divide)
      emit(.number(Decimal(denominator)))
      emit(.close(UInt8(ascii: "{")))
    }
    return true
  }

  /// 3分之1 is 1/3: the number before is the denominator.
  private mutating func readWrittenShare() -> Bool {
    guard case .number(let denominator) = tokens.last?.token, byte(at: position).isDigit else { return false }
    var digits: [UInt8] = []
    while byte(at: position).isDigit, digits.count < 18 {
      digits.append(bytes[position] - 0x30)
      position += 1
    }
    tokens[tokens.count - 1].token = .open(UInt8(ascii: "{"))
    emit(.number(Decimal(digits: digits, fraction: 0, exponent: 0)))
    emit(.divide)
    emit(.number(denominator))
    emit(.close(UInt8(ascii: "{")))
    return true
  }

  /// A unit behind a number, which may have ten thousands before it: 3万元.
  private mutating func readUnit(_ word: String) {
    if ForeignUnits.unit(named: word) == nil {
      for (name, factor) in Self.multiples where word.hasPrefix(name) {
        emit(.times)
        emit(.number(Decimal(factor)))
        let rest = String(word.dropFirst(name.count))
        if !rest.isEmpty { emit(.unit(unitAfterNumber(rest))) }
        return
      }
    }
    emit(.unit(unitAfterNumber(word)))
  }

  private static let multiples: [(String, UInt64)] = [
    ("百万", 1_000_000), ("千万", 10_000_000), ("万", 10_000), ("萬", 10_000), ("만", 10_000), ("亿", 100_000_000),
    ("億", 100_000_000), ("억", 100_000_000),
  ]

  private func unitAfterNumber(_ word: String) -> Unit {
    // 分 is a minute after hours, else a point, a mark or a cent.
    if word == "分",
      tokens.contains(where: { if case .unit(let unit) = $0.token { unit.numerator == 3600 } else { false } })
    {
      return UnitTable.unit(named: Array("minute".utf8)[...]) ?? .word(word.utf8)
    }
    return ForeignUnits.unit(named: word) ?? .word(word.utf8)
  }

  private static let connectives: [String: Token] = [
    "或": .or, "或者": .or, "或是": .or, "または": .or, "又は": .or, "또는": .or, "和": .and, "与": .and, "與": .and, "及": .and,
    "以及": .and, "且": .and, "と": .and, "および": .and, "와": .and, "과": .and, "및": .and,
  ]
  /// Words before a number that do not change it.
  private static let fillers: Set<String> = [
    "约", "大约", "約", "共", "总共", "一共", "共有", "是", "为", "答", "解", "약", "ちょうど",
  ]
  private static let signs: [(String, Token)] = [("负", .minus), ("負", .minus), ("零下", .minus), ("正", .plus)]
  /// Measure words, behind which a numeral is a number.
  private static let counters: Set<String> = [
    "个", "個", "人", "只", "隻", "本", "页", "頁", "张", "張", "条", "條", "支", "次", "名", "位", "块", "种", "種", "岁", "歳", "歲", "枚",
    "つ", "倍", "分", "辆", "棵", "朵", "头", "匹", "双", "件", "套", "组", "组", "家", "间", "层", "点", "边", "角",
  ]
}
