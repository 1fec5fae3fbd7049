// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore
import PipelineSpec

/// The settings for a server in a spec, for any purpose.
package struct ServerOptions: Sendable {
  /// Its address.
  package var url: String
  /// The model's name on the server.
  package var model: String
  /// The environment variable that holds the key; empty for none.
  package var keyFrom: String
  /// The number of requests at a time.
  package var concurrency: Int
  /// The time limit of an answer.
  package var timeoutSeconds: Double
  /// How often a request is sent again.
  package var retries: Int
  /// The wait before the first retry; it doubles each time.
  package var backoffSeconds: Double
  /// Where answers are stored.
  package var cache: CacheFile
  /// Additional members of each request.
  package var extra: OptionTree

  /// The default settings, not validated.
  package init(
    url: String, model: String, keyFrom: String, concurrency: Int, timeoutSeconds: Double, retries: Int,
    backoffSeconds: Double, cache: CacheFile, extra: OptionTree
  ) {
    self.url = url
    self.model = model
    self.keyFrom = keyFrom
    self.concurrency = concurrency
    self.timeoutSeconds = timeoutSeconds
    self.retries = retries
    self.backoffSeconds = backoffSeconds
    self.cache = cache
    self.extra = extra
  }

  /// One line for each option.
  package static let help = [
    "url": "the server's address, such as http://127.0.0.1:8000/v1",
    "model": "the model's name on the server; `curl URL/models` lists them",
    "key_from": "the environment variable that holds the server's key, such as OPENAI_API_KEY; empty for no key",
    "concurrency": "the number of requests at a time",
    "timeout_seconds": "the time limit of an answer, in seconds",
    "retries":
      "how often a request is retried after 408, 409, 425, 429, 5xx, a broken connection or no answer in time",
    "backoff_seconds":
      "the wait before a retry, up to half of it random; it doubles each time up to 60, and Retry-After "
      + "is honoured",
    "cache":
      "where answers are stored, so that nothing is requested twice: auto (next to the output), none, or a file that "
      + "several runs may use one after the other",
    "extra": "additional members of each request, such as {\"chat_template_kwargs\": {\"enable_thinking\": false}}",
  ]

  /// The problems of the values.
  package func problems() -> [OptionProblem] {
    var problems: [OptionProblem] = []
    do throws(ServerAddress.Fault) { _ = try ServerAddress(url) } catch {
      problems.append(OptionProblem("url", error.message))
    }
    if model.isEmpty { problems.append(OptionProblem("model", "is missing; name a model that the server has")) }
    if let problem = ServerKey.problem(with: keyFrom) { problems.append(OptionProblem("key_from", problem)) }
    if !(1...4096).contains(concurrency) {
      problems.append(OptionProblem("concurrency", "is \(concurrency), it must lie in 1…4096"))
    }
    if !(timeoutSeconds > 0 && timeoutSeconds <= 1e6) {
      problems.append(OptionProblem("timeout_seconds", "is \(timeoutSeconds), it must lie above 0 and up to 1000000"))
    }
    if !(0...100).contains(retries) { problems.append(OptionProblem("retries", "is \(retries), it must lie in 0…100")) }
    if !(backoffSeconds >= 0 && backoffSeconds <= 60) {
      problems.append(OptionProblem("backoff_seconds", "is \(backoffSeconds), it must lie in 0…60"))
    }
    if !extra.isTable {
      problems.append(OptionProblem("extra", "is \(extra.kindDescription), it must be a table of members"))
    } else if let name = ChatRequest.ownMembers.first(where: { extra[$0] != nil }) {
      problems.append(
        OptionProblem(
          "extra.\(name)",
          "is set by an option of its own, or cannot be chosen; "
            + "leave it out"))
    }
    return problems
  }
}

/// Where answers are stored.
package enum CacheFile: Codable, Sendable, Hashable, SelfDescribingOption {
  /// Next to the output.
  case auto
  /// Nowhere.
  case none
  /// In a file.
  case file(SpecPath)

  /// A word or a path.
  package init(from decoder: any Decoder) throws {
    switch try? decoder.singleValueContainer().decode(String.self) {
    case "auto": self = .auto
    case "none": self = .none
    default: self = .file(try SpecPath(from: decoder))
    }
  }

  /// Writes the word, or the path as given.
  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .auto, .none:
      var single = encoder.singleValueContainer()
      try single.encode(self == .auto ? "auto" : "none")
    case .file(let path):
      try path.encode(to: encoder)
    }
  }

  /// A word or a path.
  package static let schema: JSONValue = ["type": "string", "minLength": 1]

  /// The path of the file; nil for nowhere.
  ///
  /// - Parameters:
  ///   - folder: The folder that relative paths start from.
  ///   - cacheFolder: The folder next to the output, if there is output.
  ///   - name: The file's name in it.
  package func path(in folder: String, cacheFolder: String?, name: String) -> String? {
    switch self {
    case .auto: cacheFolder.map { $0 + "/" + name + ".jsonl" }
    case .none: nil
    case .file(let path): path.resolved(in: folder)
    }
  }
}
