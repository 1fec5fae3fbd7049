// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RewardPlugin
import Testing
import TextRewardsPlugin

@Suite("ContainsReward", .timeLimit(.minutes(15)))
struct ContainsRewardTests {
  @Test(
    "the answer is found as a whole word, whatever the case",
    arguments: [
      ("A red cat.", "cat", 1.0), ("concatenate", "cat", 0), ("Cat", "cat", 1), ("cats", "cat", 0), ("(cat)", "cat", 1),
      ("the cat sat", "cat sat", 1), ("über", "ber", 0), ("25%", "25%", 1), ("125", "25", 0), ("", "cat", 0),
      ("concat cat", "cat", 1), ("aab aaab", "aaab", 1),
    ])
  func words(response: String, answer: String, score: Double) throws {
    let reward = ContainsReward(assembly: .plain())
    #expect(try reward.score(trajectory(response, answer: .string(answer))).score == score)
  }

  @Test("texts of its own: all, any, the share that is there")
  func texts() throws {
    func score(_ match: ContainsReward.Match, _ response: String) throws -> RewardOutcome {
      let options = with(ContainsReward.Options.self) { ($0.texts, $0.match) = (["red", "blue"], match) }
      return try ContainsReward(options: options, assembly: .plain()).score(trajectory(response))
    }
    #expect(try score(.all, "red and blue") == .scored(1) && score(.all, "red") == .scored(0))
    #expect(try score(.any, "red") == .scored(1) && score(.any, "green") == .scored(0))
    #expect(try score(.share, "red") == .scored(0.5))
  }

  @Test("case, parts of words, parts of the response")
  func options() throws {
    let options = with(ContainsReward.Options.self) {
      ($0.case, $0.wholeWords, $0.extract) = (.sensitive, false, .answerTag)
    }
    let reward = ContainsReward(options: options, assembly: .plain())
    #expect(try reward.score(trajectory("cat <answer>concat</answer>", answer: "cat")) == .scored(1))
    #expect(try reward.score(trajectory("cat <answer>conCat</answer>", answer: "cat")) == .scored(0))
    #expect(try reward.score(trajectory("cat", answer: "cat")) == .nothingFound)
    #expect(try reward.score(trajectory("cat", answer: " ")) == .abstained("the answer is empty"))
  }

  @Test("the reward obeys the laws")
  func laws() async throws {
    let cases = [trajectory("it is 25"), trajectory("")]
    try await RewardLaws.check(ContainsReward(assembly: .plain()), cases: cases)
    let endless = with(ContainsReward.Options.self) { $0.texts = [String(repeating: "9", count: 1000) + "8"] }
    try await RewardLaws.check(ContainsReward(options: endless, assembly: .plain()), cases: cases)
    try OptionsLaws.check(ContainsReward.Options.self)
  }
}

@Suite("CountingReward", .timeLimit(.minutes(15)))
struct CountingRewardTests {
  @Test(
    "a count is a number or a word",
    arguments: [
      ("\\boxed{3}", "3", 1.0), ("\\boxed{three}", "3", 1), ("\\boxed{there are 3 circles}", "three", 1),
      ("\\boxed{Twelve}", "12", 1), ("\\boxed{4}", "3", 0), ("3", "3", 0), ("\\boxed{3.5}", "3", 0),
      ("\\boxed{-3}", "3", 0), ("\\boxed{1,200}", "1200", 1), ("\\boxed{none}", "0", 0), ("\\boxed{3.0}", "3", 1),
    ])
  func counts(response: String, answer: String, score: Double) throws {
    let reward = CountingReward(assembly: .plain())
    #expect(try reward.score(trajectory(response, answer: .string(answer))).score == score)
  }

  @Test("what is nearly right is worth something where it is asked to be")
  func partial() throws {
    let options = with(CountingReward.Options.self) { ($0.partial, $0.extract) = (.relative, .none) }
    let reward = CountingReward(options: options, assembly: .plain())
    #expect(try reward.score(trajectory("3", answer: 4)) == .scored(0.75))
    #expect(try reward.score(trajectory("9", answer: 4)) == .scored(0))
    #expect(try reward.score(trajectory("1", answer: 0)) == .scored(0))
    #expect(try reward.score(trajectory("many", answer: 4)) == .nothingFound)
    #expect(try reward.score(trajectory("3", answer: "many")) == .abstained("the answer is no count: 'many'"))
  }

  @Test("the reward obeys the laws")
  func laws() async throws {
    try await RewardLaws.check(
      CountingReward(assembly: .plain()), cases: [trajectory("\\boxed{25}"), trajectory("")])
    try OptionsLaws.check(CountingReward.Options.self)
  }
}

@Suite("LengthReward, SoftOverlongReward, RepetitionReward", .timeLimit(.minutes(15)))
struct LengthRewardTests {
  @Test(
    "length: 1 within the range, falling outside", arguments: [(3, 0.0), (4, 0.5), (5, 1), (7, 1), (8, 0.5), (9, 0)])
  func range(words: Int, score: Double) throws {
    let options = with(LengthReward.Options.self) { ($0.unit, $0.minimum, $0.maximum, $0.margin) = (.words, 5, 7, 2) }
    let text = " " + Array(repeating: "wörd", count: words).joined(separator: " \n") + " "
    #expect(try LengthReward(options: options, assembly: .plain()).score(trajectory(text)) == .scored(score))
  }

  @Test("length in tokens and in characters; without a margin it falls at once")
  func units() throws {
    let tokens = with(LengthReward.Options.self) { $0.maximum = 2 }
    let reward = LengthReward(options: tokens, assembly: .plain())
    #expect(try reward.score(trajectory("x", tokens: [1, 2])) == .scored(1))
    #expect(try reward.score(trajectory("x", tokens: [1, 2, 3])) == .scored(0))
    #expect(throws: (any Error).self) { try reward.score(trajectory("x")) }
    let characters = with(LengthReward.Options.self) { ($0.unit, $0.maximum) = (.characters, 2) }
    #expect(try LengthReward(options: characters, assembly: .plain()).score(trajectory("éü")) == .scored(1))
  }

  // Values of the published formula for a limit of 10 and a cache of 4.
  @Test("soft-overlong", arguments: [(0, 0.0), (6, 0), (7, -0.25), (9, -0.75), (10, -1), (99, -1)])
  func softOverlong(length: Int, score: Double) throws {
    let options = with(SoftOverlongReward.Options.self) { ($0.maxLength, $0.cache) = (10, 4) }
    let reward = SoftOverlongReward(options: options, assembly: .plain())
    #expect(try reward.score(trajectory("", tokens: Array(0..<length))) == .scored(score))
  }

  @Test(
    "repetition: the share of n-grams that came before",
    arguments: [
      ("a b c d", 0.0), ("a b", 0), ("", 0), ("a b c a b c", -0.25), ("a a a a a", -2.0 / 3), ("A b C a B c", -0.25),
    ] as [(String, Double)])
  func repetition(response: String, score: Double) throws {
    guard case .scored(let found, _) = try RepetitionReward(assembly: .plain()).score(trajectory(response)) else {
      Issue.record("not scored")
      return
    }
    #expect(abs(found - score) < 1e-12)
  }

  @Test("repetition of tokens; n-grams of any size are counted as by hand", arguments: 1...9)
  func ngrams(size: Int) throws {
    var random = PhiloxGenerator(seed: 7, purpose: "ngrams")
    let tokens = (0..<200).map { _ in Int.random(in: 0...1, using: &random) }
    let options = with(RepetitionReward.Options.self) { ($0.unit, $0.ngramSize, $0.maxPenalty) = (.tokens, size, -0.5) }
    let all = (0...tokens.count - size).map { Array(tokens[$0..<$0 + size]) }
    let expected = -0.5 * (1 - Double(Set(all).count) / Double(all.count))
    #expect(
      try RepetitionReward(options: options, assembly: .plain()).score(trajectory("", tokens: tokens))
        == .scored(expected))
  }

  @Test("the rewards obey the laws")
  func laws() async throws {
    let words = with(LengthReward.Options.self) { $0.unit = .words }
    let overlong = with(SoftOverlongReward.Options.self) { $0.unit = .characters }
    let long = with(RepetitionReward.Options.self) { $0.ngramSize = 100_000 }
    for reward: any RewardFunction in [
      LengthReward(options: words, assembly: .plain()), SoftOverlongReward(options: overlong, assembly: .plain()),
      RepetitionReward(assembly: .plain()), RepetitionReward(options: long, assembly: .plain()),
    ] {
      try await RewardLaws.check(reward, cases: [trajectory("a b c"), trajectory("")])
    }
    try await RewardLaws.check(LengthReward(assembly: .plain()), cases: [trajectory("", tokens: [1])])
    try OptionsLaws.check(LengthReward.Options.self)
    try OptionsLaws.check(SoftOverlongReward.Options.self)
    try OptionsLaws.check(RepetitionReward.Options.self)
  }
}

@Suite("JSONShapeReward", .timeLimit(.minutes(15)))
struct JSONShapeRewardTests {
  private let shape = with(JSONShapeReward.Options.self) {
    $0.members = ["label": .string, "box": .array, "count": .integer]
  }

  @Test(
    "each member is there and of its kind",
    arguments: [
      (#"{"label":"a","box":[1],"count":2}"#, 1.0), ("```json\n{\"label\":\"a\",\"box\":[],\"count\":2.0}\n```", 1),
      (#"{"label":"a","box":[1],"count":2.5}"#, 0), (#"{"label":"a","box":[1]}"#, 0), (#"[1]"#, 0), ("", 0),
      (#"{"label":"a","box":[1],"count":2"#, 0), (#"{"label":"a","box":[1],"count":2,"more":null}"#, 1),
      ("so: ``` {\"label\":\"a\",\"box\":[1],\"count\":2}``` .", 1),
    ])
  func members(response: String, score: Double) throws {
    guard
      case .scored(let found, _) = try JSONShapeReward(options: shape, assembly: .plain()).score(trajectory(response))
    else {
      Issue.record("not scored")
      return
    }
    #expect(found == score)
  }

  @Test("a part of the shape is worth that part where it is asked to be; others may be refused")
  func partial() throws {
    var options = shape
    (options.partial, options.others, options.extract) = (true, .refused, .answerTag)
    let reward = JSONShapeReward(options: options, assembly: .plain())
    func outcome(_ text: String) throws -> RewardOutcome { try reward.score(trajectory("<answer>\(text)</answer>")) }
    #expect(
      try outcome(#"{"label":"a","box":1,"x":2}"#)
        == .scored(0.4, parts: [RewardPart("parses", 1), RewardPart("shape", 0.4)]))
    #expect(try outcome("no") == .scored(0, parts: [RewardPart("parses", 0), RewardPart("shape", 0)]))
    #expect(try outcome("3") == .scored(0, parts: [RewardPart("parses", 1), RewardPart("shape", 0)]))
  }

  @Test("the reward obeys the laws")
  func laws() async throws {
    try await RewardLaws.check(
      JSONShapeReward(options: shape, assembly: .plain()), cases: [trajectory("{}"), trajectory("")])
    try OptionsLaws.check(JSONShapeReward.Options.self)
  }
}
