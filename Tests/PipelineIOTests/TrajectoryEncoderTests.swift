// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Testing

@Suite("TrajectoryEncoder", .timeLimit(.minutes(15)))
struct TrajectoryEncoderTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  private func rewritten(_ line: String, _ change: (inout Trajectory) -> Void) async throws -> String {
    let reading = try await Reading.of([try folder.file("in.jsonl", line)])
    var trajectory = try #require(reading.trajectories.first)
    change(&trajectory)
    var bytes: [UInt8] = []
    try TrajectoryEncoder.encode(trajectory, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("an unchanged record passes through as the bytes it was")
  func passesThrough() async throws {
    let line = #"{ "id" : "1" , "group":"g", "x": 1.50E+02, "y":"\u00e9\/", "big":123456789012345678901234567890 }"#
    #expect(try await rewritten(line) { _ in } == line + "\n")
  }

  @Test("a changed key is replaced where it stands, a new one goes to the end in a fixed order")
  func splices() async throws {
    let line = #"{"id":"1", "reward": 0.5, "group":"g" }"#
    let result = try await rewritten(line) {
      $0.draws = [4, 0]
      $0.pair = Pair(rank: 0, side: .high, weight: 2, partner: "q\"")
      $0.reward = 1
      $0.advantage = 0.25
      $0.set(Field("note"), to: "n")
    }
    #expect(
      result
        == #"{"id":"1", "reward": 1.0, "group":"g","advantage":0.25,"pair":{"rank":0,"side":"high","weight":2.0,"partner":"q\""},"draws":[4,0],"note":"n"}"#
        + "\n")
  }

  @Test("a key without a stored value can be replaced and removed")
  func overrides() async throws {
    let line = #"{"id":"1","group":"g","note":{"a":[1,"}"]},"answer":"x"}"#
    #expect(
      try await rewritten(line) { $0.set(Field("note"), to: ["b": 2]) }
        == #"{"id":"1","group":"g","note":{"b":2},"answer":"x"}"# + "\n")
    #expect(
      try await rewritten(line) { $0.set(.answer, to: nil) }
        == #"{"id":"1","group":"g","note":{"a":[1,"}"]}}"# + "\n")
    #expect(
      try await rewritten(line) { $0.set(Field("note"), to: nil) } == #"{"id":"1","group":"g","answer":"x"}"# + "\n")
  }

  @Test("a reward taken away leaves no key behind")
  func removesStored() async throws {
    let line = #"{"reward":1,"id":"1","group":"g"}"#
    #expect(try await rewritten(line) { $0.reward = nil } == #"{"id":"1","group":"g"}"# + "\n")
  }

  @Test("a trajectory that was not read is written with what it has")
  func fromNothing() throws {
    let trajectory = Trajectory(id: "1", group: "g", reward: 0.5, fields: [.response: "a\nb", .finish: "stop"])
    var bytes: [UInt8] = []
    try TrajectoryEncoder.encode(trajectory, into: &bytes)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"id":"1","group":"g","response":"a\nb","finish":"stop","reward":0.5}"# + "\n")
  }
}
