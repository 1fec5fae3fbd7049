// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore

/// Encodes and decodes lines of standard input.
struct TokenizerProbe {
  private let tokenizer: ByteLevelTokenizer

  init(_ arguments: [String]) throws {
    guard arguments.count == 2 else { throw PipelineError(.invalidSpec, "name the folder of the tokenizer") }
    tokenizer = try ByteLevelTokenizer(folder: arguments[1])
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

  /// Prints the tokens of all lines and the seconds of encoding and decoding them, the best of five times.
  func speed() throws {
    let texts = try lines().map { $0.stringValue ?? "" }
    let clock = ContinuousClock()
    var encoding = Duration.seconds(1000)
    var decoding = encoding
    var count = 0
    for _ in 0..<5 {
      var ids: [[Int]] = []
      encoding = min(encoding, clock.measure { ids = texts.map { tokenizer.encode($0) } })
      var bytes = 0
      decoding = min(decoding, clock.measure { bytes = ids.reduce(0) { $0 + tokenizer.decode($1).utf8.count } })
      count = bytes > 0 ? ids.reduce(0) { $0 + $1.count } : 0
    }
    print("\(count) \(encoding / .seconds(1)) \(decoding / .seconds(1))")
  }

  private func lines() throws -> [JSONValue] {
    var values: [JSONValue] = []
    while let line = readLine() { values.append(try JSONValue(parsing: line)) }
    return values
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
