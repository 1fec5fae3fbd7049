// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineTesting
import RewardPlugin
import Testing
import TextRewardsPlugin

@Suite("IoUReward", .timeLimit(.minutes(15)))
struct IoURewardTests {
  private func trajectory(_ response: String, _ answer: JSONValue, image: JSONValue? = nil) -> Trajectory {
    var trajectory = Trajectory(id: "t", group: "g", fields: [.response: .string(response), .answer: answer])
    if let image { trajectory.set(.images, to: [image]) }
    return trajectory
  }

  private func reward(_ change: (inout IoUReward.Options) -> Void = { _ in }) -> IoUReward {
    var options = IoUReward.Options()
    options.extract = .none
    change(&options)
    return IoUReward(options: options, assembly: .plain())
  }

  @Test(
    "a box is found however it is written; the last one counts",
    arguments: [
      "[0, 0, 10, 10]", "(0,0),(10,10)", "<box>0 0 10 10</box>", "<|box_start|>(0,0), (10,10)<|box_end|>",
      #"```json [{"bbox_2d": [0, 0.0, 1e1, 10], "label": "dog 2"}] ```"#, "0, 0, 10, 10", "{0 0 10 10}",
      "first [5,5,9,9], then [0,0,10,10]", "of [1,2] and [0,0,10,10,0.9] and (3) [0,0,10,10]",
    ])
  func written(response: String) throws {
    #expect(try reward().score(trajectory(response, [0, 0, 10, 10])) == .scored(1))
    let matched = reward { ($0.boxes, $0.threshold) = (.matched, 0.9) }
    guard case .scored(let score, _) = try matched.score(trajectory("[0,0,10,10]", .string(response))) else {
      Issue.record("not scored")
      return
    }
    #expect(score == (response.hasPrefix("first") ? 2.0 / 3 : 1))
  }

  @Test(
    "intersection over union",
    arguments: [
      ("[0,0,10,5]", 0.5), ("[5,5,15,15]", 25.0 / 175), ("[10,0,20,10]", 0.0), ("[2,2,4,4]", 0.04), ("[5,5,5,5]", 0),
      ("[10,10,0,0]", 0), ("no box", 0), ("", 0), ("[1,2,3]", 0), ("[0,0,1e400,1]", 0),
    ] as [(String, Double)])
  func overlap(response: String, score: Double) throws {
    #expect(try reward().score(trajectory(response, "[0, 0, 10, 10]")).score == score)
  }

  @Test("layouts")
  func layouts() throws {
    #expect(try reward { $0.layout = .size }.score(trajectory("[5,5,10,10]", [5, 5, 10, 5])) == .scored(0.5))
    #expect(try reward { $0.layout = .center }.score(trajectory("[5,5,10,10]", [5, 5, 10, 5])) == .scored(0.5))
    #expect(try reward { $0.layout = .size }.score(trajectory("[5,5,-1,10]", [5, 5, 10, 5])) == .nothingFound)
  }

  @Test("coordinates of another space are brought into the answer's")
  func spaces() throws {
    let image: JSONValue = ["path": "a.png", "width": 200, "height": 50]
    let thousandths = reward { $0.responseSpace = .thousandths }
    #expect(try thousandths.score(trajectory("[250, 0, 500, 1000]", [50, 0, 100, 50], image: image)) == .scored(1))
    let unit = reward { ($0.responseSpace, $0.answerSpace) = (.pixels, .unit) }
    #expect(try unit.score(trajectory("[50, 0, 100, 50]", [0.25, 0, 0.5, 1], image: image)) == .scored(1))
    // Two shares of the image need no size.
    let shares = reward { ($0.responseSpace, $0.answerSpace) = (.thousandths, .unit) }
    #expect(try shares.score(trajectory("[250, 0, 500, 1000]", [0.25, 0, 0.5, 1])) == .scored(1))
    #expect {
      try thousandths.score(trajectory("[250, 0, 500, 1000]", [50, 0, 100, 50], image: "a.png"))
    } throws: {
      "\($0)".hasPrefix("says no 'width' and 'height' of its image")
    }
  }

  @Test("sets are matched so that the overlaps add up to the most, and extra boxes cost")
  func matched() throws {
    func outcome(_ response: String, _ answer: JSONValue, threshold: Double = 0) throws -> [Double] {
      let reward = reward { ($0.boxes, $0.threshold, $0.binary) = (.matched, threshold, threshold > 0) }
      guard case .scored(let score, let parts) = try reward.score(trajectory(response, answer)) else { return [] }
      return [score] + parts.map(\.score)
    }
    let answer: JSONValue = [[0, 0, 10, 10], [20, 0, 30, 10]]
    #expect(try outcome("[20,0,30,10] [0,0,10,10]", answer) == [1, 1, 1])
    #expect(try outcome("[0,0,10,10]", answer) == [2.0 / 3, 1, 0.5])
    #expect(try outcome("[0,0,10,10] [20,0,30,10] [50,50,60,60] [70,70,80,80]", answer) == [4.0 / 6, 0.5, 1])
    // The greedy pairing would give the better box away.
    let crossed: JSONValue = [[0, 0, 10, 10], [0, 0, 10, 8]]
    let sum = try outcome("[0,0,10,9] [0,0,10,16]", crossed)[0]
    #expect(abs(sum - (8.0 / 9 + 10.0 / 16) / 2) < 1e-12)
    #expect(try outcome("[0,0,10,9] [20,0,30,4]", answer, threshold: 0.5) == [0.5, 0.5, 0.5])
    #expect(try outcome("none", []) == [1, 1, 1] && outcome("[0,0,1,1]", []) == [0, 0, 0])
    // The last says that nothing was found.
    #expect(try outcome("none", answer) == [0, 0, 0, 0])
  }

  @Test("the best assignment is that of all orders", arguments: 1...40)
  func assignment(seed: UInt64) {
    var random = PhiloxGenerator(seed: seed, purpose: "assignment")
    let (rows, columns) = (Int.random(in: 1...5, using: &random), Int.random(in: 1...5, using: &random))
    let values = (0..<rows).map { _ in (0..<columns).map { _ in Double(Int.random(in: 0...9, using: &random)) } }
    func best(_ row: Int, _ free: Set<Int>) -> Double {
      if row == rows { return 0 }
      let skipped = free.count < rows - row ? best(row + 1, free) : -1
      return free.map { values[row][$0] + best(row + 1, free.subtracting([$0])) }.max().map { max($0, skipped) }
        ?? best(row + 1, free)
    }
    let found = bestAssignment(values)
    #expect(Set(found.compactMap { $0 }).count == min(rows, columns))
    let sum = found.enumerated().reduce(0.0) { sum, pair in
      sum + (pair.element.map { values[pair.offset][$0] } ?? 0)
    }
    #expect(sum == best(0, Set(0..<columns)))
  }

  @Test("an answer that cannot be compared makes it abstain")
  func abstention() throws {
    #expect(
      try reward().score(trajectory("[0,0,1,1]", [[0, 0, 1, 1], [1, 1, 2, 2]]))
        == .abstained("the answer holds 2 boxes; boxes: matched compares sets"))
    guard case .abstained = try reward().score(trajectory("[0,0,1,1]", "the dog")) else {
      Issue.record("an answer without a box was scored")
      return
    }
  }

  @Test("the reward obeys the laws")
  func laws() async throws {
    let cases = [trajectory("[0,0,1,1]", [0, 0, 1, 1]), trajectory("", [0, 0, 1, 1])]
    try await RewardLaws.check(reward(), cases: cases)
    try await RewardLaws.check(reward { $0.boxes = .matched }, cases: cases)
    let many = Array(repeating: "[0,0,1,1]", count: 50_000).joined()
    try await RewardLaws.check(reward { $0.boxes = .matched }, cases: [trajectory(many, .string(many))])
    try OptionsLaws.check(IoUReward.Options.self)
  }
}
