// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import JudgePlugin
import ModelServers
import OpenAIPlugin
import PipelineCore
import Testing

@Suite("Servers that fail", .timeLimit(.minutes(15)))
struct HostileServerTests {
  let server: FakeServer

  init() throws { server = try FakeServer() }

  @Test(
    "what passes is tried again, and the answers are as if nothing had been",
    arguments: [
      "limited", "dated", "broken-500", "dropping", "garbage", "empty", "aborting", "truncated", "half-a-header",
    ])
  func isTriedAgain(_ model: String) async throws {
    let asking = Asking(server, model: model)
    let policy = try await asking.policy()
    let records = ["a", "b"].map { Trajectory(id: $0, group: $0, fields: [.prompt: .string($0)]) }
    let outcomes = try await RolloutSampler(policy: policy, options: asking.sampling).rollouts(of: records)
    let good = Asking(server, model: "good")
    let expected = try await RolloutSampler(policy: good.policy(), options: good.sampling).rollouts(of: records)
    #expect(try responses(outcomes).count == 6)
    #expect(try responses(outcomes) == responses(expected))
    #expect(try server.requests().count { $0["model"] == .string(model) && $0["attempt"] == 2 } == 2)
    let remarks = await policy.remarks()
    #expect(remarks.count == 1 && remarks[0].hasPrefix("\(server.url) was asked again ("))
    #expect(await policy.remarks().isEmpty)
  }

  private func responses(_ outcomes: [RolloutSampler.Outcome]) throws -> [String?] {
    var responses: [String?] = []
    for case .rollouts(let rollouts, _) in outcomes { responses += try rollouts.map { try $0.response } }
    return responses
  }

  private static let tooMuch = """
    URL answers with more than 4 MiB, more than any answer to this request needs; the rest was not read. Check that 'url' is the address \
    of its API
    """

  /// What stops the work, and what is said.
  static let fatal: [(model: String, said: String)] = [
    (
      "nobody",
      """
      URL knows no model 'nobody', or takes no chats at this address (404: "The model `nobody` does not exist."); \
      `curl URL/models` lists its models
      """
    ),
    (
      "forbidden",
      """
      URL refuses access (403: "project of has no access"); it needs a key: export it in an environment variable, and name that variable in 'key_from'
      """
    ),
    (
      "quota",
      "the quota at URL is used up (429: \"You exceeded your current quota\"); raise it, or name another server"
    ),
    (
      "redirect",
      """
      URL sends requests on to 'http://127.0.0.1:9/v1/chat/completions' (307), and a key goes to no other address than \
      the one it is meant for; name that address in 'url'
      """
    ),
    (
      "redirect-home",
      """
      URL sends requests on to '/v1/models' (302), and a key goes to no other address than the one it is meant for; name \
      that address in 'url'
      """
    ),
    ("huge", tooMuch),
    ("huge-chunked", tooMuch),
    ("endless", tooMuch),
    (
      "endless-redirect",
      """
      URL sends requests on to '/v1/models' (307), and a key goes to no other address than the one it is meant for; name \
      that address in 'url'
      """
    ),
    (
      "challenge",
      """
      URL refuses access (401: "Not authenticated"); it needs a key: export it in an environment variable, and name that variable in 'key_from'
      """
    ),
    ("closed-for-ever", "URL answers 429: \"never again\"; it asks to wait for 31536000 s, start again then"),
    (
      "closed-today",
      "URL answers 429: \"come back tomorrow\"; it asks to wait for 86400 s, start again then"
    ),
  ]

  @Test("what no repetition mends stops the work at once", arguments: fatal)
  func stopsTheWork(_ model: String, _ said: String) async throws {
    let error = await #expect(throws: PipelineError.self) { try await Asking(server, model: model).rollouts(["a"]) }
    #expect(error?.code == .server)
    #expect(error?.message == said.replacing("URL", with: server.url))
    #expect(try server.requests().count == 1)
  }

  /// What fails a prompt after so many attempts.
  static let lasting: [(model: String, said: String, attempts: Int)] = [
    ("always-500", "URL answers 500: \"internal error\"; given up after 3 attempts", 3),
    (
      "always-garbage",
      "URL sent an answer that is not a chat completion: ", 3
    ),
    ("always-dropping", "the connection to URL broke off: it was closed ", 3),
    ("endless-error", "URL answers 500; given up after 3 attempts", 3),
    ("endless-header", "the connection to URL broke off: its header does not end; given up after 3 attempts", 3),
    ("endless-early-hints", "the connection to URL broke off: its header does not end; given up after 3 attempts", 3),
    (
      "not-http",
      "the connection to URL broke off: what answers there does not speak HTTP; given up after 3 attempts", 3
    ),
    ("error-inside", "URL answers 200, but with an error: \"upstream failed\"; given up after 3 attempts", 3),
    ("filtered", "the server ended a response with 'content_filter', which is no response", 1),
  ]

  @Test("what keeps failing fails its prompt, with the reason", arguments: lasting)
  func failsItsPrompt(_ model: String, _ said: String, _ attempts: Int) async throws {
    guard case .failed(let reason) = try await Asking(server, model: model).outcomes(["a"])[0] else {
      return #expect(Bool(false), "it did not fail")
    }
    #expect(reason.hasPrefix(said.replacing("URL", with: server.url)), "\(reason)")
    #expect(try server.requests().count == attempts)
  }

  @Test("a server that asks for a token, as FastAPI does, is told from one that is not there")
  func bearer() async throws {
    let error = await #expect(throws: PipelineError.self) {
      try await Asking(server, model: "challenge").rollouts(["[bearer]"])
    }
    #expect(error?.message.hasPrefix("\(server.url) refuses access (401: \"Not authenticated\"); ") == true)
  }

  @Test("choices that come in another order stand in that of their numbers")
  func shuffled() async throws {
    let shuffled = try await Asking(server, model: "shuffled").rollouts(["a"]).map { try $0.response }
    #expect(shuffled == (try await Asking(server, model: "good").rollouts(["a"]).map { try $0.response }))
    #expect(Set(shuffled).count > 1)
  }

  @Test("an answer that does not come in time is asked for again, then given up", arguments: ["hanging", "dripping"])
  func slow(_ model: String) async throws {
    var asking = Asking(server, model: model)
    asking.options.timeoutSeconds = 0.2
    asking.options.retries = 1
    guard case .failed(let reason) = try await asking.outcomes(["a"])[0] else {
      return #expect(Bool(false), "it did not fail")
    }
    #expect(
      reason
        == "\(server.url) did not answer within 0.2 s; raise timeout_seconds, or lower concurrency; given up after "
        + "2 attempts")
  }

  @Test("a server that fails whatever it is asked stops the work, and is not asked for ever")
  func failsAlways() async throws {
    var asking = Asking(server, model: "always-500")
    asking.options.concurrency = 1
    let error = await #expect(throws: PipelineError.self) {
      try await asking.rollouts((0..<50).map { "prompt \($0)" })
    }
    #expect(error?.message == "\(server.url) answers 500: \"internal error\"; given up after 3 attempts")
    #expect(try server.requests().count == 9)
  }

  @Test("a host that cannot be reached is said to be one, at once")
  func unreachable() async throws {
    var asking = Asking(server, model: "good")
    for (url, reason) in [("http://127.0.0.1:9/v1", "nothing answers there"), ("http://nobody.invalid/v1", "")] {
      asking.options.url = url
      let error = await #expect(throws: PipelineError.self) { try await asking.rollouts() }
      #expect(error?.code == .server)
      #expect(error?.message.hasPrefix("\(url) cannot be reached: \(reason)") == true, "\(error?.message ?? "")")
    }
  }

  @Test("a server without token ids or log-probabilities is told from one with them")
  func withoutLogProbs() async throws {
    var asking = Asking(server, model: "no-logprobs")
    (asking.options.tokens, asking.options.logprobs) = (.vllm, .raw)
    let error = await #expect(throws: PipelineError.self) { try await asking.rollouts() }
    #expect(
      error?.message
        == "the server gives no token ids; vLLM does (0.10.2 and newer), for others set tokens and logprobs "
        + "to 'none'")
  }

  @Test("a probability above 1 is none")
  func positive() async throws {
    var asking = Asking(server, model: "positive")
    (asking.options.tokens, asking.options.logprobs, asking.options.retries) = (.vllm, .raw, 0)
    guard case .failed(let reason) = try await asking.outcomes(["a"])[0] else {
      return #expect(Bool(false), "it did not fail")
    }
    #expect(reason == "\(server.url) sent an answer that is not a chat completion: a token's 'logprob' is 3.5, above 0")
  }

  @Test("control characters of a server stay data")
  func escapes() async throws {
    let rollouts = try await Asking(server, model: "escape").rollouts(["a"])
    #expect(try rollouts[0].response == "\u{1B}[31mred 🙂 \0 end")
  }
}
