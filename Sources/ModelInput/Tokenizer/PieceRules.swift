// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// How a tokenizer divides text into the pieces within which byte pairs are merged.
struct PieceRules: Sendable, Hashable {
  /// The regular expression.
  enum Pattern: String, Sendable, CaseIterable {
    /// Qwen2 and later: every number is a piece of its own.
    case qwen2 =
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    /// Llama 3: up to three numbers are a piece.
    case llama3 =
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    /// GPT-2, and SmolLM2 after the digits: the step `ByteLevel` with an expression of its own.
    case gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// The family that it is named after.
    var title: String {
      switch self {
      case .qwen2: "Qwen2"
      case .llama3: "Llama 3"
      case .gpt2: "GPT-2"
      }
    }
  }

  /// What the step `Digits` does first.
  enum Digits: Sendable {
    /// There is none.
    case together
    /// Every number becomes a text of its own.
    case each
    /// Numbers beside each other do.
    case runs
  }

  var pattern = Pattern.qwen2
  var digits = Digits.together

  /// What is supported, for messages.
  static let supported = "those of Qwen2, Llama 3 and GPT-2, with or without Digits before"
}

extension PieceRules {
  /// Reads `pre_tokenizer` of a `tokenizer.json`.
  ///
  /// - Returns: The reason when it is another kind.
  static func read(_ preTokenizer: JSONValue) -> Result<PieceRules, Refusal> {
    var steps = preTokenizer["pretokenizers"]?.arrayValue ?? [preTokenizer]
    let names = TokenizerDocument.names(of: steps)
    var rules = PieceRules()
    if steps.first?["type"] == "Digits" {
      rules.digits = steps[0]["individual_digits"] == true ? .each : .runs
      steps.removeFirst()
    }
    guard let last = steps.last, last["type"] == "ByteLevel", last["add_prefix_space"] != true else {
      return .failure(Refusal("has the pre-tokenizer \(names); supported are \(supported)"))
    }
    steps.removeLast()
    if last["use_regex"] != false {
      // The step's own expression, which is on where the file does not say.
      rules.pattern = .gpt2
      return steps.isEmpty
        ? .success(rules) : .failure(Refusal("has the pre-tokenizer \(names); supported are \(supported)"))
    }
    guard steps.count == 1, let split = steps.first, split["type"] == "Split", split["behavior"] == "Isolated",
      split["invert"] != true
    else { return .failure(Refusal("has the pre-tokenizer \(names); supported are \(supported)")) }
    guard let pattern = split["pattern"]?["Regex"]?.stringValue.flatMap(Pattern.init) else {
      return .failure(
        Refusal(
          "splits text by \(split["pattern"]?.json.quotedForMessage ?? "no pattern"); supported are the patterns of "
            + Pattern.allCases.map(\.title).joined(separator: ", ")))
    }
    rules.pattern = pattern
    return .success(rules)
  }

  /// Why a pre-tokenizer is not supported.
  struct Refusal: Error {
    let message: String

    init(_ message: String) { self.message = message }
  }
}
