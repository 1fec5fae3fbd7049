// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineSpec

/// What a spec says of a server, whatever it is asked for.
package struct ServerOptions: Sendable {
  /// Its address.
  package var url: String
  /// The model's name there.
  package var model: String
  /// The environment variable that holds the key; empty for none.
  package var keyFrom: String
  /// Requests at a time.
  package var concurrency: Int
  /// How long an answer may take.
  package var timeoutSeconds: Double
  /// How often a request is sent again.
  package var retries: Int
  /// The wait before the first repetition; it doubles with each.
  package var backoffSeconds: Double
  /// Where answers are kept.
  package var cache: CacheFile
  /// Further members of a request.
  package var extra: OptionTree

  /// Settings, none of them checked yet.
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

  /// One line on each option.
  package static let help = [
    "url": "the server's address, such as http://127.0.0.1:8000/v1",
    "model": "the model's name there; `curl URL/models` lists them",
    "key_from": "the environment variable that holds the server's key, such as OPENAI_API_KEY; empty for no key",
    "concurrency": "requests that are under way at a time",
    "timeout_seconds": "how long an answer may take",
    "retries":
      "how often a request is sent again after 408, 409, 425, 429, 5xx, a broken connection or no answer in time",
    "backoff_seconds":
      "the wait before a request is sent again, up to half of it random; it doubles each time up to 60, and Retry-After "
      + "is honoured",
    "cache":
      "where answers are kept, so that nothing is asked twice: auto for beside what is written, none, or a file that "
      + "several runs may share one after the other",
    "extra": "further members of each request, such as {\"chat_template_kwargs\": {\"enable_thinking\": false}}",
  ]

  /// What is wrong with the values.
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
      problems.append(OptionProblem("extra.\(name)", "has an option of its own, or is none to choose; leave it out"))
    }
    return problems
  }
}

/// Where answers are kept.
public enum CacheFile: Codable, Sendable, Hashable, SelfDescribingOption {
  /// Beside what is written.
  case auto
  /// Nowhere.
  case none
  /// In a file.
  case file(SpecPath)

  /// A word or a path.
  public init(from decoder: any Decoder) throws {
    switch try? decoder.singleValueContainer().decode(String.self) {
    case "auto": self = .auto
    case "none": self = .none
    default: self = .file(try SpecPath(from: decoder))
    }
  }

  /// Writes the word, or the path as it was written.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .auto, .none:
      var single = encoder.singleValueContainer()
      try single.encode(self == .auto ? "auto" : "none")
    case .file(let path):
      try path.encode(to: encoder)
    }
  }

  /// A word or a path.
  public static let schema: JSONValue = ["type": "string", "minLength": 1]

  /// The file's path; nil for nowhere.
  ///
  /// - Parameters:
  ///   - folder: The folder that relative paths start from.
  ///   - cacheFolder: Beside what is written, where anything is.
  ///   - name: What the file is called there.
  package func path(in folder: String, cacheFolder: String?, name: String) -> String? {
    switch self {
    case .auto: cacheFolder.map { $0 + "/" + name + ".jsonl" }
    case .none: nil
    case .file(let path): path.resolved(in: folder)
    }
  }
}
