// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import QwenVL

/// Encodes and decodes lines of standard input.
struct TokenizerProbe {
  private let tokenizer: QwenTokenizer

  init(_ arguments: [String]) throws {
    guard arguments.count == 2 else { throw PipelineError(.invalidSpec, "name the folder of the tokenizer") }
    tokenizer = try QwenTokenizer(folder: arguments[1])
  }

  func encode() throws {
    try eachLine { value in
      .array(tokenizer.encode(value.stringValue ?? "").map { .number($0) })
    }
  }

  func decode() throws {
    try eachLine { value in
      let ids = (value.arrayValue ?? []).compactMap(\.intValue)
      var stream = StreamingDecoder(tokenizer)
      var streamed = ""
      for id in ids { streamed += stream.append(id) }
      streamed += stream.finish()
      return [
        "text": .string(tokenizer.decode(ids)), "streamed": .string(streamed),
        "plain": .string(tokenizer.decode(ids, specialTokens: .skip)),
      ]
    }
  }

  func chat() throws {
    try eachLine { value in
      let text = ChatTemplate.render(try ChatMessage.messages(from: value))
      return ["text": .string(text), "ids": .array(tokenizer.encode(text).map { .number($0) })]
    }
  }

  private func eachLine(_ body: (JSONValue) throws -> JSONValue) throws {
    while let line = readLine() {
      var bytes: [UInt8] = []
      try body(try JSONValue(parsing: line)).write(to: &bytes)
      bytes.append(0x0A)
      FileHandle.standardOutput.write(Data(bytes))
    }
  }
}
