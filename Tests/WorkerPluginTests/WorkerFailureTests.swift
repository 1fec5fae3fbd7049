// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing
import WorkerPlugin

private let resume = ". The checkpoints are as they were: continue the run with --resume"

@Suite("What goes wrong with a policy in another process", .timeLimit(.minutes(15)))
struct WorkerFailureTests {
  @Test(
    "a worker that cannot be opened is an error with what to do",
    arguments: [
      (
        "other-version",
        "the policy's worker speaks version 99 of the protocol, this program version 2; install the worker that came with the "
          + "program: `make worker`"
      ),
      (
        "refuses-version",
        "the policy's worker says: the pipeline speaks version 2 of the protocol, this worker version 99; install the worker "
          + "that came with the pipeline: `make worker`"
      ),
      (
        "prints",
        "the policy's worker wrote 'Loading checkpoint shards: 100%' to its standard output before it said hello; only messages "
          + "of the protocol may go there, so have its command print to standard error"
      ),
      (
        "no-package",
        "the policy's worker ended with status 1 before it said hello; its Python lacks a package, install it with `make "
          + "worker`; its last words: python3: No module named shuffle_r1_worker"
      ),
      (
        "cannot-load",
        "the policy's worker says: the weights in /m do not fit its config.json: 'x' is missing; take both from one"
      ),
      (
        "other-tokens",
        "the policy's worker says: the pipeline and the model's own tokenizer do not agree on a prompt; look"
      ),
      (
        "other-model",
        "the policy's worker has loaded a model with 7 token ids, \(ScriptedWorker.model) has 499; see that both machines have "
          + "the same model under that path"
      ),
    ])
  func opening(behaviour: String, message: String) async {
    let failure = await ScriptedWorker.failure { _ = try await ScriptedWorker.open(behaviour) }
    #expect(failure?.message == message)
  }

  @Test("a worker that says nothing after its start")
  func silentStart() async {
    let failure = await ScriptedWorker.failure {
      _ = try await ScriptedWorker.open("silent") { $0.limits.start = 0.5 }
    }
    #expect(
      failure?.message
        == "the policy's worker said nothing for 0.5 s after its start; policy.with.limits.start is how long it may take"
    )
  }

  @Test("a missing environment names the command that makes it")
  func missingPython() async {
    let failure = await ScriptedWorker.failure {
      _ = try await ScriptedWorker.open {
        $0.command = []
        $0.python = "/nowhere/bin/python"
      }
    }
    #expect(
      failure?.message
        == "there is no Python '/nowhere/bin/python' for the policy's worker; make one with `make worker` and leave "
        + "policy.with.python out, or name one that has torch and transformers")
    let command = await ScriptedWorker.failure {
      _ = try await ScriptedWorker.open { $0.command = ["/nowhere/worker", "now"] }
    }
    #expect(command?.message.hasSuffix("(/nowhere/worker now); check policy.with.command") == true)
  }

  @Test("a worker that dies is reported with its last words, and stays dead")
  func dies() async throws {
    let worker = try await ScriptedWorker.open("dies")
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [1]), seeds: [1])
    for _ in 0..<2 {
      let failure = await ScriptedWorker.failure {
        _ = try await worker.generate([request], sampling: SamplingOptions()) { _ in }
      }
      #expect(
        failure?.message
          == "the policy's worker ended with status 7 while it answered 'generate'; its last words: an important word"
          + resume)
      #expect(failure?.code == .policyWorker)
    }
  }

  @Test("of all that is said when one of many ranks is lost, what that rank says is passed on")
  func losesARank() async throws {
    let worker = try await ScriptedWorker.open("loses-a-rank")
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [1]), seeds: [1])
    let failure = await ScriptedWorker.failure {
      _ = try await worker.generate([request], sampling: SamplingOptions()) { _ in }
    }
    #expect(
      failure?.message
        == "the policy's worker ended with status 1 while it answered 'generate'; its last words: rank 3: out of memory; lower x"
        + resume)
  }

  @Test("a worker that was killed")
  func killed() async throws {
    let worker = try await ScriptedWorker.open("killed")
    let failure = await ScriptedWorker.failure {
      try await worker.accumulate(ScriptedWorker.groups, temperature: 1) { $1 }
    }
    #expect(
      failure?.message
        == "the policy's worker was ended by SIGKILL while it answered 'accumulate'; it was killed, by a user or by the system for lack of memory"
        + resume)
  }

  @Test("a worker that hangs")
  func hangs() async throws {
    let worker = try await ScriptedWorker.open("hangs") { $0.limits.silence = 3 }
    let failure = await ScriptedWorker.failure {
      _ = try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)
    }
    #expect(
      failure?.message
        == "the policy's worker gave no sign of life for 3 s, or no answer for 7200 s, while it answered 'log-probs'; "
        + "policy.with.limits says how long it may take" + resume)
  }

  @Test("memory that runs out names the setting to lower, and is not taken for a bad record")
  func memory() async throws {
    let worker = try await ScriptedWorker.open("out-of-memory")
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [1]), seeds: [1])
    let failure = await ScriptedWorker.failure {
      _ = try await worker.generate([request], sampling: SamplingOptions()) { _ in }
    }
    #expect(
      failure?.message
        == "the policy's worker says: out of memory in 'generate': tried 2 GiB; lower rows_at_once")
    #expect(failure?.code == .policyWorker)
  }

  @Test("what is wrong with a record is the record's failure")
  func badRecord() async throws {
    let worker = try await ScriptedWorker.open("bad-record")
    let failure = await ScriptedWorker.failure {
      _ = try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)
    }
    #expect(failure?.message == "the model's log-probabilities are not finite; go back")
    #expect(failure?.code == .invalidData)
  }

  @Test(
    "responses that were not asked for break the protocol",
    arguments: [
      ("nan", "a response with a token outside the vocabulary, or a log-probability that is not finite"),
      ("too-long", "a response of 200 tokens, where 1…256 were asked for"),
      ("other-place", "response 9 to prompt 9, which it was not asked for"),
    ])
  func responses(behaviour: String, message: String) async throws {
    let worker = try await ScriptedWorker.open(behaviour)
    var sampling = SamplingOptions()
    if behaviour == "too-long" { sampling.maxTokens = 100 }
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [1]), seeds: [1])
    let failure = await ScriptedWorker.failure {
      _ = try await worker.generate([request], sampling: sampling) { _ in }
    }
    let expected = message.replacingOccurrences(of: "1…256", with: "1…\(sampling.maxTokens)")
    let start = "the policy's worker broke the protocol while it answered 'generate': \(expected)"
    #expect(failure?.message.hasPrefix(start) == true, "\(failure?.message ?? "no failure")")
  }

  @Test("a response that is left out is missed")
  func leavesOut() async throws {
    let worker = try await ScriptedWorker.open("leaves-out")
    let request = GenerationRequest(prompt: EncodedPrompt(tokens: [1]), seeds: [1, 2])
    let failure = await ScriptedWorker.failure {
      _ = try await worker.generate([request], sampling: SamplingOptions()) { _ in }
    }
    #expect(failure?.message == "the policy's worker ended a request with 1 responses still missing")
  }

  @Test(
    "arrays of the wrong length, and headers that are none",
    arguments: [
      ("too-few", "the policy's worker gave 5 log-probabilities for 6 tokens"),
      (
        "garbage",
        "the policy's worker broke the protocol while it answered 'log-probs': the header of a frame is no object with a 'kind'"
          + resume
      ),
    ])
  func arrays(behaviour: String, message: String) async throws {
    let worker = try await ScriptedWorker.open(behaviour)
    let failure = await ScriptedWorker.failure {
      _ = try await worker.logProbs(of: ScriptedWorker.groups, temperature: 1)
    }
    #expect(failure?.message == message)
  }

  @Test(
    "a minibatch of which something is left out, or given twice",
    arguments: [
      ("forgets-half", "the policy's worker left out 2 responses of a minibatch"),
      (
        "twice",
        "the policy's worker broke the protocol while it answered 'accumulate': response 0 of group 1 twice, or unasked"
          + resume
      ),
    ])
  func minibatch(behaviour: String, message: String) async throws {
    let worker = try await ScriptedWorker.open(behaviour)
    let failure = await ScriptedWorker.failure {
      try await worker.accumulate(ScriptedWorker.groups, temperature: 1) { $1 }
    }
    #expect(failure?.message == message)
  }

  @Test(
    "records that the bundled policy refuses are refused in the same words, before anything is sent",
    arguments: [
      ([Int32](), "the prompt has no tokens; a policy needs at least one to go on from"),
      ([1, 499], "the prompt holds the token id 499, but the vocabulary ends at 498"),
      (
        [1, 495],
        "the prompt holds 1 image placeholders, but its 0 images take 0 tokens; expand each placeholder to the number of tokens "
          + "of its image"
      ),
    ])
  func refused(prompt: [Int32], message: String) async throws {
    let worker = try await ScriptedWorker.open()
    let failure = await ScriptedWorker.failure {
      _ = try await worker.logProbs(
        of: [ResponseGroup(prompt: EncodedPrompt(tokens: prompt), responses: [[1]])], temperature: 1)
    }
    #expect(failure?.message == message)
  }
}
