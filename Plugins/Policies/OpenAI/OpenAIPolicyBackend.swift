// SPDX-License-Identifier: Apache-2.0
import Foundation
package import ModelServers
package import PipelineCore

/// A model behind an OpenAI-compatible server, as named in a spec.
package struct OpenAIPolicyBackend: PolicyBackend {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "openai", summary: "Responses from an OpenAI-compatible server: vLLM, SGLang, transformers serve and others")

  /// How several responses to a prompt are requested.
  package enum Choices: String, Codable, Sendable, CaseIterable {
    /// In one request, with `n`.
    case together
    /// In one request each.
    case apart
  }

  /// Whether requests carry a seed.
  package enum Seeds: String, Codable, Sendable, CaseIterable {
    /// They carry one.
    case send
    /// They do not.
    case omit
  }

  /// Whether token ids are requested.
  package enum TokenIDs: String, Codable, Sendable, CaseIterable {
    /// They are not.
    case none
    /// In vLLM's way, with `return_token_ids`.
    case vllm
  }

  /// Which log-probabilities are requested.
  package enum LogProbs: String, Codable, Sendable, CaseIterable {
    /// None.
    case none
    /// Those that the server computes before applying the temperature.
    case raw
    /// Those of the distribution that it samples from.
    case processed
  }

  /// The options.
  package struct Options: ComponentOptions {
    package var url = ""
    package var model = ""
    package var keyFrom = ""
    package var choices = Choices.together
    package var seeds = Seeds.send
    package var tokens = TokenIDs.none
    package var logprobs = LogProbs.none
    package var concurrency = 32
    package var timeoutSeconds = 600.0
    package var retries = 8
    package var backoffSeconds = 1.0
    package var cache = CacheFile.auto
    package var extra = OptionTree.empty

    /// No server is set.
    package init() {}

    /// The help for each option.
    package static let help = ServerOptions.help.merging(
      [
        "choices":
          "together requests all responses to a prompt at once, and missing ones then one by one; apart requests each with its own seed",
        "seeds": "whether requests carry a seed, of 31 bits (send), or not (omit)",
        "tokens": "whether to ask for token ids: none, or vllm, which sends return_token_ids",
        "logprobs":
          "which log-probabilities to ask for: none, raw (before temperature; vLLM's default) or processed (vLLM's "
          + "--logprobs-mode processed_logprobs); they need token ids, and are refused if they are not those of the distribution at the sampling temperature",
      ]) { own, _ in own }

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      var problems = server.problems()
      if logprobs != .none, tokens == .none {
        problems.append(
          OptionProblem(
            "logprobs", "is '\(logprobs.rawValue)', but numbers without token ids are of no use; set tokens"))
      }
      return problems
    }

    var server: ServerOptions {
      ServerOptions(
        url: url, model: model, keyFrom: keyFrom, concurrency: concurrency, timeoutSeconds: timeoutSeconds,
        retries: retries, backoffSeconds: backoffSeconds, cache: cache, extra: extra)
    }
  }

  /// Responses only.
  package let offers: Set<PolicyAbility> = [.generation]
  private let options: Options

  /// Makes the backend, without any request.
  package init(options: Options, assembly: Assembly) { self.options = options }

  /// Opens the policy; the first request is sent with the first prompt.
  ///
  /// - Throws: When the key is missing, or the file of stored answers cannot be used.
  package func open(_ opening: PolicyOpening) async throws -> Policy {
    Policy(sampler: try sampler(opening, environment: ProcessInfo.processInfo.environment))
  }

  /// Its sampler, with environment variables other than those of the process.
  package func sampler(_ opening: PolicyOpening, environment: [String: String]) throws -> any ResponseSampler {
    let path = options.cache.path(in: opening.folder, cacheFolder: opening.cacheFolder, name: "answers")
    let client = try ChatClient(options.server, cachePath: path, environment: environment)
    return ServedPolicy(options, client: client, media: opening.media)
  }
}
