// SPDX-License-Identifier: Apache-2.0
import FakeServer
import Foundation
import JudgePlugin
import ModelServers
import OpenAIPlugin
import PipelineCore
import Synchronization
import Testing

@Suite("Rollouts from a server", .timeLimit(.minutes(15)))
struct ServedPolicyTests {
  let server: FakeServer

  init() throws { server = try FakeServer() }

  @Test("those who wait are told that the server is asked again, and no more once it answers")
  func waiting() async throws {
    let asking = Asking(server, model: "broken-500")
    let heard = Mutex<[GenerationProgress]>([])
    let request = ResponseRequest(prompt: try PolicyPrompt("a"), seeds: [1])
    _ = try await asking.policy().respond(to: [request], sampling: SamplingOptions(), tooLong: .error) { progress in
      heard.withLock { $0.append(progress) }
    }
    let notes = heard.withLock { $0.map(\.note) }
    #expect(notes.first == "\(server.url) is asked again: 500")
    #expect(notes.last == .some(nil))
  }

  @Test("a prompt's responses come in one request, with what the server shows and nothing else")
  func together() async throws {
    let rollouts = try await Asking(server, model: "good").rollouts()
    #expect(rollouts.map(\.id) == ["p0/0", "p0/1", "p0/2", "p1/0", "p1/1", "p1/2"])
    for rollout in rollouts {
      #expect(try rollout.response?.hasPrefix("<think>asked: ") == true)
      #expect(try rollout.finish == "stop")
      #expect(!rollout.has(.tokens) && !rollout.has(.logprobs) && !rollout.has(.promptTokens))
    }
    let sampling = try rollouts.map { try $0.value(of: .sampling) }
    #expect(sampling.map { $0?["choice"]?.intValue } == [0, 1, 2, 0, 1, 2])
    #expect(Set(sampling.map { $0?["seed"] }).count == 2)
    let requests = try server.requests()
    #expect(requests.count == 2)
    for request in requests {
      #expect(request["n"] == 3 && request["max_tokens"] == 256 && request["temperature"]?.doubleValue == 1)
      #expect(request["seed"].map { seed in sampling.contains { $0?["seed"] == seed } } == true)
      // What OpenAI's own server would refuse is not sent unless it is asked for.
      for name in [
        "top_k", "min_tokens", "stop", "stop_token_ids", "logprobs", "return_token_ids", "continue_final_message",
        "add_generation_prompt",
      ] {
        #expect(request[name] == nil)
      }
    }
  }

  @Test("a prompt that ends with the assistant asks the server to continue it, unless `extra` says otherwise")
  func continuation() async throws {
    let asking = Asking(server, model: "good")
    let messages: JSONValue = [["role": "user", "content": "q"], ["role": "assistant", "content": "It is"]]
    _ = try await asking.outcomes(of: [messages])
    let request = try #require(try server.requests().last)
    #expect(request["continue_final_message"] == true && request["add_generation_prompt"] == false)
    var other = asking
    other.options.extra = try JSONDecoder().decode(
      OptionTree.self, from: Data(#"{"continue_final_message": false}"#.utf8))
    _ = try await other.outcomes(of: [messages])
    let second = try #require(try server.requests().last)
    #expect(second["continue_final_message"] == false && second["add_generation_prompt"] == nil)
  }

  @Test("apart, each response has a request and a seed of its own")
  func apart() async throws {
    var asking = Asking(server, model: "good")
    asking.options.choices = .apart
    let rollouts = try await asking.rollouts(["a"])
    #expect(Set(try rollouts.map { try $0.value(of: .sampling)?["seed"] }).count == 3)
    #expect(try rollouts[0].value(of: .sampling)?["choice"] == nil)
    #expect(try server.requests().allSatisfy { $0["n"] == nil })
  }

  @Test("where there are fewer choices than asked for, the rest is asked one by one with other seeds")
  func fewerChoices() async throws {
    for (model, requests) in [("one", 3), ("half", 3), ("more", 1)] {
      let server = try FakeServer()
      let rollouts = try await Asking(server, model: model).rollouts(["a"])
      #expect(rollouts.map(\.id) == ["p0/0", "p0/1", "p0/2"])
      let asked = try server.requests()
      #expect(asked.count == requests)
      #expect(Set(asked.map { $0["seed"] }).count == requests)
    }
  }

  @Test("what the sampling options say is sent")
  func sampling() async throws {
    var asking = Asking(server, model: "good")
    asking.sampling.sampling.temperature = 0.5
    asking.sampling.sampling.topP = 0.9
    asking.sampling.sampling.topK = 20
    asking.sampling.sampling.minTokens = 2
    asking.sampling.sampling.maxTokens = 12
    asking.sampling.sampling.stop = ["</answer>"]
    asking.sampling.sampling.stopTokens = [5]
    asking.options.seeds = .omit
    let rollouts = try await asking.rollouts(["a"])
    #expect(try rollouts.allSatisfy { try $0.finish == "length" })
    let request = try #require(try server.requests().first)
    #expect(request["temperature"] == 0.5 && request["top_p"] == 0.9 && request["top_k"] == 20)
    #expect(request["min_tokens"] == 2 && request["max_tokens"] == 12 && request["seed"] == nil)
    #expect(request["stop"] == ["</answer>"] && request["stop_token_ids"] == [5])
  }

  @Test("token ids and log-probabilities are kept where the server shows them")
  func tokens() async throws {
    var asking = Asking(server, model: "good")
    (asking.options.tokens, asking.options.logprobs) = (.vllm, .raw)
    for rollout in try await asking.rollouts() {
      let tokens = try #require(try rollout.tokenIDs(of: .tokens))
      #expect(tokens.last == 7)
      #expect(try rollout.value(of: .logprobs)?.arrayValue?.count == tokens.count)
      #expect(try rollout.tokenIDs(of: .promptTokens)?.isEmpty == false)
    }
  }

  @Test("log-probabilities that are not those at the sampling temperature are refused")
  func foreignLogProbs() async throws {
    var raw = Asking(server, model: "good")
    (raw.options.tokens, raw.options.logprobs) = (.vllm, .raw)
    raw.sampling.sampling.temperature = 0.7
    var processed = Asking(server, model: "good")
    (processed.options.tokens, processed.options.logprobs) = (.vllm, .processed)
    processed.sampling.sampling.topP = 0.9
    for asking in [raw, processed] {
      await #expect(throws: PipelineError.self) { try await asking.rollouts() }
    }
    #expect(try server.requests().isEmpty)
  }

  @Test("images go along as data URLs, of the kind that their bytes say")
  func images() async throws {
    let scratch = try Scratch()
    try scratch.write("photo.jpg", imageBytes)
    var asking = Asking(server, model: "good")
    asking.roots = [scratch.path]
    let prompt: JSONValue = [
      ["role": "user", "content": [["type": "image"], ["type": "text", "text": "What?"]]]
    ]
    let record = Trajectory(
      id: "p", group: "p", fields: [.prompt: prompt, .images: [.string(scratch.path + "/photo.jpg")]])
    let outcomes = try await RolloutSampler(sampler: asking.policy(), options: asking.sampling).rollouts(of: [record])
    guard case .rollouts(let rollouts, _) = outcomes[0] else { return #expect(Bool(false), "\(outcomes)") }
    #expect(try rollouts[0].response?.contains("<image/png \(imageBytes.count)> What?") == true)
  }

  @Test("what a part says of its image goes along")
  func details() throws {
    let scratch = try Scratch()
    try scratch.write("photo.jpg", imageBytes)
    let prompt: JSONValue = [
      ["role": "user", "content": [["type": "image", "image": "photo.jpg", "max_pixels": 784, "detail": "low"]]]
    ]
    let messages = try ChatMessages.messages(of: PolicyPrompt(prompt, folder: scratch.path), MediaAccess())
    let image = messages.arrayValue?[0]["content"]?.arrayValue?[0]["image_url"]
    #expect(image?["max_pixels"] == 784)
    #expect(image?["detail"] == "low")
    #expect(image?["url"]?.stringValue?.hasPrefix("data:image/") == true)
  }

  @Test("a prompt that cannot be asked fails alone")
  func badPrompts() async throws {
    let records = [
      Trajectory(
        id: "a", group: "a", fields: [.prompt: [["role": "user", "content": [["type": "image", "image": "no.png"]]]]]),
      Trajectory(id: "b", group: "b", fields: [.promptTokens: [1, 2]]),
      Trajectory(id: "c", group: "c", fields: [.prompt: "[refuse] me"]),
      Trajectory(id: "d", group: "d", fields: [.prompt: "[fail] me"]),
      Trajectory(id: "e", group: "e", fields: [.prompt: "good"]),
    ]
    let asking = Asking(server, model: "good")
    let outcomes = try await RolloutSampler(sampler: asking.policy(), options: asking.sampling).rollouts(of: records)
    let reasons = outcomes.map { if case .failed(let reason) = $0 { reason } else { "" } }
    #expect(
      reasons == [
        "no.png: no such image file; check the path and the folder that it is relative to",
        "the record has no 'prompt', and this policy is asked in words, not in the tokens of another",
        "\(server.url) refuses the request (400: \"this prompt is not taken\")",
        "\(server.url) answers 500: \"internal error\"; given up after 3 attempts",
        "",
      ])
  }

  @Test("a prompt that is too long for the server fails, or is left out")
  func tooLong() async throws {
    var asking = Asking(server, model: "good")
    guard case .failed(let reason) = try await asking.outcomes(["[long]"])[0] else { return #expect(Bool(false)) }
    #expect(reason.hasPrefix("the prompt is too long for \(server.url) (400: \"This model's maximum context length"))
    asking.sampling.tooLong = .skip
    guard case .skipped = try await asking.outcomes(["[long]"])[0] else { return #expect(Bool(false)) }
    asking.sampling.tooLong = .cut
    await #expect(throws: PipelineError.self) { try await asking.outcomes(["[long]"]) }
  }

  @Test("no more requests are under way than allowed")
  func concurrency() async throws {
    var asking = Asking(server, model: "slow")
    asking.options.concurrency = 5
    asking.options.choices = .apart
    _ = try await asking.rollouts((0..<20).map { "prompt \($0)" })
    let figures = try await URLSessionText.get(server.url.replacing("/v1", with: "/figures"))
    #expect(try JSONValue(parsing: figures)["served"] == 60)
    #expect(try JSONValue(parsing: figures)["most_busy"]?.intValue ?? 99 <= 5)
  }

  @Test("a cancelled task ends, although the server never answers")
  func cancellation() async throws {
    let asking = Asking(server, model: "hanging")
    let task = Task { try await asking.rollouts() }
    while try server.requests().isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
