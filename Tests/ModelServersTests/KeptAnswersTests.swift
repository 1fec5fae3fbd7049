// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import JudgePlugin
import ModelServers
import OpenAIPlugin
import PipelineCore
import Testing

@Suite("Answers that are kept", .timeLimit(.minutes(15)))
struct KeptAnswersTests {
  let server: FakeServer
  let scratch: Scratch

  init() throws {
    server = try FakeServer()
    scratch = try Scratch()
  }

  @Test("nothing is asked twice: not by who comes next, nor with more prompts, nor from another address")
  func nothingTwice() async throws {
    let asking = Asking(server, model: "half")
    let first = try await asking.rollouts(["a", "b"], cacheFolder: scratch.path)
    let asked = try server.requests().count
    #expect(asked == 6)
    let other = try FakeServer()
    var again = asking
    again.server = other
    again.options.url = other.url
    let second = try await again.rollouts(["a", "b", "c"], cacheFolder: scratch.path)
    #expect(try second.prefix(6).map { try $0.response } == first.map { try $0.response })
    #expect(try second.prefix(6).map { try $0.value(of: .sampling) } == first.map { try $0.value(of: .sampling) })
    #expect(try other.requests().count == 3)
  }

  @Test("token ids and log-probabilities are kept to the last digit")
  func digits() async throws {
    var asking = Asking(server, model: "good")
    (asking.options.tokens, asking.options.logprobs) = (.vllm, .raw)
    let first = try await asking.rollouts(cacheFolder: scratch.path)
    let second = try await asking.rollouts(cacheFolder: scratch.path)
    for field in [Field.tokens, .logprobs, .promptTokens, .response, .finish] {
      #expect(try first.map { try $0.value(of: field) } == second.map { try $0.value(of: field) })
    }
    #expect(try server.requests().count == 2)
  }

  @Test("draws stay draws: equal requests without a seed are asked one by one, and kept one by one")
  func unseeded() async throws {
    var asking = Asking(server, model: "good")
    (asking.options.choices, asking.options.seeds) = (.apart, .omit)
    _ = try await asking.rollouts(["a"], cacheFolder: scratch.path)
    #expect(try server.requests().count == 3)
    _ = try await asking.rollouts(["a"], cacheFolder: scratch.path)
    #expect(try server.requests().count == 3)
  }

  @Test("another model, option or member is another request")
  func changes() async throws {
    var asking = Asking(server, model: "good")
    _ = try await asking.rollouts(["a"], cacheFolder: scratch.path)
    asking.sampling.sampling.temperature = 0.5
    _ = try await asking.rollouts(["a"], cacheFolder: scratch.path)
    asking.options.model = "slow"
    _ = try await asking.rollouts(["a"], cacheFolder: scratch.path)
    #expect(try server.requests().count == 3)
  }

  @Test("a line that was torn when the program was killed is asked again, alone")
  func tornLine() async throws {
    let asking = Asking(server, model: "good")
    _ = try await asking.rollouts(["a", "b"], cacheFolder: scratch.path)
    let whole = Data(scratch.text("answers.jsonl").utf8)
    try scratch.write("answers.jsonl", whole.dropLast(20))
    let rollouts = try await asking.rollouts(["a", "b"], cacheFolder: scratch.path)
    #expect(rollouts.count == 6)
    #expect(try server.requests().count == 3)
    #expect(scratch.text("answers.jsonl").split(separator: "\n").count == 2)
  }

  @Test("a file of something else is left alone")
  func foreignFile() async throws {
    for text in ["{\"id\":\"a\"}\n", "hello"] {
      try scratch.write("answers.jsonl", Data(text.utf8))
      let error = await #expect(throws: PipelineError.self) {
        try await Asking(server, model: "good").rollouts(cacheFolder: scratch.path)
      }
      #expect(
        error?.message == "\(scratch.path)/answers.jsonl is not a file of stored answers; name another one in "
          + "'cache', or remove it")
      #expect(scratch.text("answers.jsonl") == text)
    }
  }

  @Test("two programs do not write into one file")
  func locked() async throws {
    let asking = Asking(server, model: "good")
    let holder = try await asking.policy(cacheFolder: scratch.path)
    let error = await #expect(throws: PipelineError.self) { try await asking.policy(cacheFolder: scratch.path) }
    #expect(
      error?.message == "cannot store answers in \(scratch.path)/answers.jsonl: another program is using it; "
        + "wait until it ends, or name another file in 'cache'")
    withExtendedLifetime(holder) {}
  }

  @Test("with 'none' nothing is kept; a file may be named")
  func places() async throws {
    var asking = Asking(server, model: "good")
    asking.options.cache = .none
    _ = try await asking.rollouts(cacheFolder: scratch.path)
    #expect(scratch.text("answers.jsonl").isEmpty)
    asking.options.cache = .file(SpecPath(scratch.path + "/deep/mine.jsonl"))
    _ = try await asking.rollouts(cacheFolder: scratch.path)
    #expect(scratch.text("answers.jsonl").isEmpty)
    #expect(scratch.text("deep/mine.jsonl").split(separator: "\n").count == 2)
  }
}
