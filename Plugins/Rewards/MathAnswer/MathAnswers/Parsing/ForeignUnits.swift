// SPDX-License-Identifier: Apache-2.0

/// Units of everyday use in Chinese, Japanese and Korean.
enum ForeignUnits {
  /// The unit of a word, also of an area or a volume: 厘米, 平方厘米, センチ, 센티미터.
  static func unit(named word: String) -> Unit? {
    if let unit = units[word] { return unit }
    for (prefix, power) in prefixes where word.hasPrefix(prefix) {
      guard let unit = units[String(word.dropFirst(prefix.count))] else { continue }
      return raised(unit, power)
    }
    return nil
  }

  private static let prefixes = [("平方", 2), ("立方", 3), ("제곱", 2), ("세제곱", 3)]

  private static func raised(_ unit: Unit, _ power: Int) -> Unit? {
    guard unit.kind == .measure, unit.power == 1 else { return nil }
    var result = unit
    result.power = power
    for _ in 1..<power {
      result.numerator *= unit.numerator
      result.denominator *= unit.denominator
    }
    return result
  }

  /// The names of units, by their English ones.
  private static let names: [(String, String)] = [
    ("km", "千米 公里 キロメートル 킬로미터"), ("meter", "米 公尺 メートル 미터"), ("dm", "分米 公寸"),
    ("cm", "厘米 公分 センチメートル センチ 센티미터 센티"), ("mm", "毫米 公釐 ミリメートル ミリ 밀리미터"),
    ("kg", "千克 公斤 キログラム 킬로그램"), ("gram", "克 公克 グラム 그램"), ("mg", "毫克 ミリグラム 밀리그램"),
    ("ton", "吨 噸 トン 톤"), ("liter", "升 公升 リットル 리터"), ("ml", "毫升 ミリリットル 밀리리터"),
    ("hour", "小时 小時 个小时 時間 시간"), ("minute", "分钟 分鐘 분"), ("second", "秒 秒钟 초"), ("day", "天 日 日間 일"),
    ("week", "周 星期 週間 주"), ("month", "个月 月 ヶ月 개월"), ("year", "年 年間 년"), ("hectare", "公顷 公頃"),
    ("yuan", "元 块 塊 块钱 人民币 元钱"), ("degree", "度 도"), ("percent", "パーセント 퍼센트 프로"), ("celsius", "摄氏度 攝氏度"),
    ("unit", "单位 單位 平方单位 单位长度"), ("newton", "牛顿 牛"), ("joule", "焦耳 焦"), ("watt", "瓦特 瓦"), ("volt", "伏特 伏"),
    ("kmh", "千米每小时 公里每小时"),
  ]

  private static let units: [String: Unit] = {
    var table: [String: Unit] = [:]
    for (english, words) in names {
      guard let unit = UnitTable.unit(named: Array(english.utf8)[...]) else { continue }
      for word in words.split(separator: " ") { table[String(word)] = unit }
    }
    table["角"] = Unit(base: Symbol("unit:yuan"), denominator: 10)
    table["円"] = .yen
    table["원"] = .won
    table["米每秒"] = Unit(base: Symbol("unit:metre per second"))
    return table
  }()
}

/// Numerals of Chinese and Japanese.
package enum ForeignNumerals {
  /// The value of a word that is all numerals: 十二, 二十五, 一百零三, 两; nil for any other.
  package static func value(of word: some StringProtocol) -> UInt64? {
    var (total, section, digit): (UInt64, UInt64, UInt64) = (0, 0, 0)
    var hasUnit = false
    var plain: UInt64 = 0
    guard !word.isEmpty, word.count <= 16 else { return nil }
    for character in word {
      if let value = digits[character] {
        plain = plain * 10 + value
        digit = value
      } else if let unit = units[character] {
        hasUnit = true
        if unit >= 10_000 {
          total += (section + digit) * unit
          section = 0
        } else {
          section += max(digit, 1) * unit
        }
        digit = 0
      } else {
        return nil
      }
    }
    return hasUnit ? total + section + digit : plain
  }

  private static let digits: [Character: UInt64] = [
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
  ]
  private static let units: [Character: UInt64] = ["十": 10, "百": 100, "千": 1000, "万": 10_000, "萬": 10_000]

  /// Whether a text is one numeral.
  package static func isNumeral(_ text: String) -> Bool { text.count == 1 && prefix(of: text) == 1 }

  /// How many characters at the beginning of a word are numerals.
  static func prefix(of word: String) -> Int { word.prefix { digits[$0] != nil || units[$0] != nil }.count }
}
