// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineIO
import Testing

@Suite("Naming and detecting formats", .timeLimit(.minutes(15)))
struct FormatCatalogTests {
  private let catalog = FormatCatalog.standard

  @Test("every fixture is detected, by all of its lines and by its first", arguments: FormatSupport.names)
  func detects(format: String) throws {
    let lines = try FormatSupport.fixture(format)
    #expect(try catalog.detect(sample: lines, file: "f").name == format)
    #expect(try catalog.detect(sample: Array(lines.prefix(1)), file: "f").name == format)
  }

  @Test("exported lines are detected as what they are", arguments: FormatSupport.names)
  func detectsExports(format: String) throws {
    let records = try FormatSupport.fixture("shuffle-r1")
    let lines = try FormatSupport.exported(records, to: format).lines
    #expect(try catalog.detect(sample: lines, file: "f").name == format)
  }

  @Test("prompts of our own have an id, messages and no group, which is then the id")
  func prompts() throws {
    let line: JSONValue = ["id": "a", "prompt": [["role": "user", "content": "6 * 7?"]], "answer": "42"]
    #expect(try catalog.detect(sample: [line], file: "f").name == "shuffle-r1")
    var importer = NativeFormat().makeImporter(options: ImportOptions())
    let records = try importer.records(from: line, at: SourceLocation(file: "f", line: 1, column: 1))
    #expect(records.first?["group"] == "a")
    let rollout: JSONValue = ["id": "a", "prompt": [["role": "user", "content": "6 * 7?"]], "response": "42"]
    #expect(throws: PipelineError.self) { try catalog.detect(sample: [rollout], file: "f") }
  }

  @Test("lines that fit two formats are refused, with both names")
  func ambiguous() {
    let message = FormatSupport.message {
      _ = try catalog.detect(sample: [["prompt": "P", "completion": "C", "reward": 1]], file: "x.jsonl")
    }
    #expect(
      message
        == "x.jsonl:1:1: the lines could be trl or verifiers; name the format with --from, or as 'format' in a spec's source"
    )
  }

  @Test("lines that fit no format are refused, with their keys")
  func unknown() {
    let message = FormatSupport.message {
      _ = try catalog.detect(sample: [["a": 1, "b": 2]], file: "x.jsonl")
    }
    #expect(
      message
        == "x.jsonl:1:1: no known format has lines like these (a, b); name one with --from, or as 'format' in a spec's source: "
        + "shuffle-r1, verl, trl, ms-swift, roll, verifiers, open-instruct, trinity, openai-chat, easyr1-dataset, "
        + "verl-dataset, alpaca, sharegpt")
    for sample: JSONValue in [1, "x", [], .null, [:]] {
      #expect(
        FormatSupport.message { _ = try catalog.detect(sample: [sample], file: "x") }?.contains("no known")
          == true)
    }
    #expect(
      FormatSupport.message { _ = try catalog.detect(sample: [], file: "x.jsonl") }
        == "x.jsonl:1:1: there is no line to tell the format by; name it with --from, or as 'format' in a spec's source"
    )
  }

  @Test("lines that lack little to be records of this program are told what they lack")
  func nearlyOurs() {
    let ending =
      ": every record has an id of its own, and rollouts of one prompt share a group; add what is missing, or say which column "
      + "holds what with --map prompt=prompt,response=response or 'columns' in a spec's source, which makes both"
    func message(_ line: JSONValue) -> String? {
      FormatSupport.message { _ = try catalog.detect(sample: [line], file: "x.jsonl") }
    }
    #expect(
      message(["id": "a", "prompt": "p", "response": "r", "logprobs": [1]])
        == "x.jsonl:1:1: these lines are nearly records of this program, and lack 'group'" + ending)
    #expect(
      message(["prompt_tokens": [1], "tokens": [2], "logprobs": [1]])
        == "x.jsonl:1:1: these lines are nearly records of this program, and lack 'id' and 'group'" + ending)
  }

  @Test("a mistyped name gets the nearest one")
  func didYouMean() {
    #expect(
      FormatSupport.message { _ = try catalog.named("mswift") }
        == "unknown format 'mswift'; did you mean 'ms-swift'? Known formats: shuffle-r1, verl, trl, ms-swift, roll, "
        + "verifiers, open-instruct, trinity, openai-chat, easyr1-dataset, verl-dataset, alpaca, sharegpt")
    #expect(
      FormatSupport.message { _ = try catalog.named("zzzzzzz") }?.hasPrefix("unknown format 'zzzzzzz'. Known")
        == true)
  }
}
