// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import JudgePlugin
import ModelServers
import OpenAIPlugin
import PipelineCore
import Testing

@Suite("A server's key", .timeLimit(.minutes(15)))
struct KeyTests {
  static let variable = "SHUFFLE_R1_TEST_KEY"
  static let key = "sk-Test/0123456789abcdef"

  let server: FakeServer
  let scratch: Scratch

  init() throws {
    server = try FakeServer(key: Self.key)
    scratch = try Scratch()
  }

  private func asking(_ model: String, key: String? = Self.key) -> Asking {
    var asking = Asking(server, model: model)
    asking.options.keyFrom = Self.variable
    asking.environment = key.map { [Self.variable: $0] } ?? [:]
    return asking
  }

  @Test("it goes along with each request")
  func sent() async throws {
    #expect(try await asking("good").rollouts().count == 6)
    #expect(try server.requests().allSatisfy { $0["has_key"] == true })
  }

  @Test("a server that repeats it finds it in no response, no kept answer and no error")
  func neverRepeated() async throws {
    let rollouts = try await asking("echo").rollouts(["a"], cacheFolder: scratch.path)
    #expect(try rollouts[0].response == "your key is [\(Self.variable)] \\boxed{1}")
    #expect(try rollouts[0].value(of: Field("reasoning")) == "hm, [SHUFFLE_R1_TEST_KEY]")
    #expect(!scratch.text("answers.jsonl").contains("0123456789abcdef"))
    guard case .failed(let reason) = try await asking("echo-error").outcomes(["a"])[0] else {
      return #expect(Bool(false), "it did not fail")
    }
    #expect(reason == "\(server.url) refuses the request (400: \"key [\(Self.variable)] may not ask for that\")")
    let error = await #expect(throws: PipelineError.self) { try await asking("echo-plain").outcomes(["a"]) }
    #expect(
      error?.message
        == "\(server.url) answers 503: \"<h1>[\(Self.variable)] [\(Self.variable)]</h1>\"; given up after 3 attempts")
  }

  @Test("one that is wrong is said to be wrong, and not shown")
  func wrong() async throws {
    let error = await #expect(throws: PipelineError.self) {
      try await asking("good", key: "sk-another-0123456789").rollouts()
    }
    #expect(
      error?.message
        == "\(server.url) refuses access (401: \"Incorrect API key provided: [\(Self.variable)]\"); see that "
        + "\(Self.variable) holds a key of this server")
    #expect(try server.requests().count <= 2)
  }

  @Test("one that is missing, empty or no key is an error before anything is asked")
  func missing() async throws {
    for value in ["", "  ", "two words", "line\nbreak"] {
      let error = await #expect(throws: PipelineError.self) { try await asking("good", key: value).rollouts() }
      #expect(error?.message.hasPrefix("the environment variable \(Self.variable)") == true)
      #expect(error?.message.contains("words") != true && error?.message.contains("break") != true)
    }
    let error = await #expect(throws: PipelineError.self) { try await asking("good", key: nil).rollouts() }
    #expect(
      error?.message
        == "the environment variable \(Self.variable), which 'key_from' names, is not set; export the key in it")
    #expect(try server.requests().isEmpty)
  }

  @Test("one that stands where the name of its variable belongs is not repeated")
  func inTheSpec() {
    var options = asking("good").options
    for text in ["sk-0123456789", "abcdef0123", "0ABC", "MY KEY"] {
      options.keyFrom = text
      let problems = options.problems()
      #expect(problems.map(\.path) == ["key_from"])
      #expect(problems.first?.message.contains(text) == false)
    }
    options.keyFrom = "OPENAI_API_KEY"
    #expect(options.problems().isEmpty)
    for url in ["http://user:secret@host/v1", "http://host/v1?api_key=secret", "http://host/v1#secret"] {
      options.url = url
      #expect(
        options.problems().map(\.message) == [
          "must be only an address, without user, password or query; name the key's variable in key_from"
        ])
    }
  }
}
