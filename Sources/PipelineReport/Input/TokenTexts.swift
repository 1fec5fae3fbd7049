// SPDX-License-Identifier: Apache-2.0
import Foundation
import ModelInput
import PipelineCore

/// The texts of the tokens that occur in a run, by the tokenizer of its model.
struct TokenTexts {
  private let tokenizer: ByteLevelTokenizer
  private var known: Set<Int> = []
  private var new: Set<Int> = []

  /// Reads the tokenizer of a run's model; nil where there is none that can be read.
  init?(_ run: RunFolder) {
    guard let model = run.spec["policy"]?["with"]?["model"]?.stringValue else { return nil }
    let folder = model.hasPrefix("/") ? model : run.file(model)
    guard access(folder + "/tokenizer.json", R_OK) == 0, let tokenizer = try? ByteLevelTokenizer(folder: folder) else {
      return nil
    }
    self.tokenizer = tokenizer
  }

  /// Notes tokens that occur.
  mutating func add(_ tokens: Set<Int>) { new.formUnion(tokens.subtracting(known)) }

  /// The texts of the tokens noted since the last time as a JSON object; nil if there are none.
  ///
  /// A token that is a part of a character has its bytes, as in `<0xE2>`.
  mutating func takeNew() -> [UInt8]? {
    if new.isEmpty { return nil }
    defer {
      known.formUnion(new)
      new = []
    }
    let members = new.sorted().filter { (0..<tokenizer.count).contains($0) }.map { id -> JSONValue.Member in
      let bytes = tokenizer.bytes(of: id)
      let text =
        String(validating: bytes, as: UTF8.self)
        ?? bytes.map { "<0x" + String($0, radix: 16, uppercase: true) + ">" }.joined()
      return .init(String(id), .string(text))
    }
    var text: [UInt8] = []
    JSONValue.object(members).write(to: &text)
    return text
  }
}
