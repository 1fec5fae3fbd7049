// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineSpec
import Testing

@Suite("SpecText", .timeLimit(.minutes(15))) struct SpecTextTests {
  @Test("JSON keeps order, digits and places")
  func jsonTree() throws {
    let text =
      "\u{FEFF}{ // é\n  \"z\": [1.50, 1e-6], /* c */ \"é\" : {\"a\":\ttrue, \"b\": null, \"c\": \"\\u00e9\\n\"}\r\n, \"y\": 1}"
    let tree = try SpecText(text, file: "a.jsonc").tree()
    func at(_ line: Int, _ column: Int) -> PipelineCore.SourceLocation {
      PipelineCore.SourceLocation(file: "a.jsonc", line: line, column: column)
    }
    let inner = OptionTree(
      .table([
        .init(key: "a", location: at(2, 37), value: OptionTree(.bool(true), at: at(2, 42))),
        .init(key: "b", location: at(2, 48), value: OptionTree(.null, at: at(2, 53))),
        .init(key: "c", location: at(2, 59), value: OptionTree(.string("é\n"), at: at(2, 64))),
      ]), at: at(2, 36))
    let list = OptionTree(
      .list([OptionTree(.number("1.50"), at: at(2, 9)), OptionTree(.number("1e-6"), at: at(2, 15))]),
      at: at(2, 8))
    #expect(
      tree
        == OptionTree(
          .table([
            .init(key: "z", location: at(2, 3), value: list),
            .init(key: "é", location: at(2, 30), value: inner),
            .init(key: "y", location: at(3, 3), value: OptionTree(.number("1"), at: at(3, 8))),
          ]), at: at(1, 1)))
  }

  @Test("YAML keeps plain scalars as text, with places")
  func yamlTree() throws {
    let tree = try SpecText("é: no\nb: [010, \"1\", 1e-6]\nc:\n", file: "a.yaml").tree()
    func at(_ line: Int, _ column: Int) -> PipelineCore.SourceLocation {
      PipelineCore.SourceLocation(file: "a.yaml", line: line, column: column)
    }
    let list = OptionTree(
      .list([
        OptionTree(.plain("010"), at: at(2, 5)), OptionTree(.string("1"), at: at(2, 10)),
        OptionTree(.plain("1e-6"), at: at(2, 15)),
      ]), at: at(2, 4))
    #expect(
      tree
        == OptionTree(
          .table([
            .init(key: "é", location: at(1, 1), value: OptionTree(.plain("no"), at: at(1, 4))),
            .init(key: "b", location: at(2, 1), value: list),
            .init(key: "c", location: at(3, 1), value: OptionTree(.null, at: at(3, 3))),
          ]), at: at(1, 1)))
  }

  @Test(
    "text that is no JSON document is refused with its place",
    arguments: [
      ("{", "1:2: not JSON: expected a key in quotes or '}'"),
      ("{\"a\":1,}", "1:8: not JSON: expected a key in quotes or '}'"),
      ("{\"\":1,}", "1:6: not JSON: a comma after the last entry"),
      ("[1,]", "1:4: not JSON: expected a value"),
      ("{\"a\":1 \"b\":2}", "1:8: not JSON: expected ',' or '}'"),
      ("[1 2]", "1:4: not JSON: expected ',' or ']'"),
      ("{\"a\" 1}", "1:6: not JSON: expected ':' after the key"),
      ("{a:1}", "1:2: not JSON: expected a key in quotes or '}'"),
      ("{'a':1}", "1:2: not JSON: expected a key in quotes or '}'"),
      ("{\"a\":01}", "1:6: not JSON: a number is written as in 12, -0.5 or 1e-6"),
      ("{\"a\":1.}", "1:6: not JSON: a number is written as in 12, -0.5 or 1e-6"),
      ("{\"a\":-}", "1:6: not JSON: a number is written as in 12, -0.5 or 1e-6"),
      ("{\"a\":+1}", "1:6: not JSON: a number is written as in 12, -0.5 or 1e-6"),
      ("{\"a\":.5}", "1:6: not JSON: expected a value"),
      ("{\"a\":NaN}", "1:6: not JSON: expected a value"),
      ("{\"a\":1e999}", "1:6: not JSON: a number that does not fit in 64 bits"),
      ("{\"a\":1}x", "1:8: not JSON: unexpected text after the document"),
      ("{} @", "1:4: not JSON: unexpected text after the document"),
      ("/* x", "1:1: not JSON: a comment without end"),
      ("{\"a\":\"\\ud800\"}", "1:6: not JSON: half of a surrogate pair in a string"),
      ("{\"a\":\"\\udc00\"}", "1:6: not JSON: half of a surrogate pair in a string"),
      (
        "{\"a\":\"x\ny\"}",
        "1:8: not JSON: a control character in a string; write it as an escape such as \\n"
      ),
      ("{\"a\":\"\\q\"}", "1:6: not JSON: bad escape sequence in string"),
      ("{\"a\":\"x}", "1:6: not JSON: a string without closing quote"),
      ("{\"a\":1,\n\"é\":2, \"a\":3}", "2:8: not JSON: the key 'a' is given twice"),
      ("{\"é\": tru}", "1:7: not JSON: expected a value"),
      ("3", "1:1: not JSON: expected '{' at the start"),
      ("\u{FEFF}{\"a\": x}", "1:7: not JSON: expected a value"),
      ("{\"a\":1}\u{0}", "1:8: a NUL byte; this is no text file"),
      ("", "1:1: the file is empty; a spec has at least 'source' and 'stages'"),
      (" \n", "1:1: the file is empty; a spec has at least 'source' and 'stages'"),
    ])
  func jsonErrors(text: String, message: String) {
    #expect(treeError(text, as: "a.json") == "a.json:" + message)
  }

  @Test(
    "text that is no YAML document of ours is refused with its place",
    arguments: [
      ("a: 1\na: 2", "1:1: not YAML: the key 'a' is given twice"),
      ("1: x\n\"1\": y", "1:1: not YAML: the key '1' is given twice"),
      (
        "a: [1, 2",
        "2:1: not YAML: did not find expected ',' or ']' (while parsing a flow sequence in line 1)"
      ),
      (
        "a:\n\t- 1",
        "2:1: not YAML: found character that cannot start any token "
          + "(while scanning for the next token in line 2); YAML is indented with spaces, not tabs"
      ),
      (
        "a: @x",
        "1:4: not YAML: found character that cannot start any token "
          + "(while scanning for the next token in line 1)"
      ),
      ("b: *x", "1:4: not YAML: found undefined alias"),
      (
        "a: &x {c: 1}\nb:\n  <<: *x",
        "3:3: merge keys ('<<') are not supported; write the keys out, or alias a whole value"
      ),
      ("? [a]\n: 1", "1:3: a key must be text"),
      (
        "a: !!int 3",
        "1:4: the tag 'tag:yaml.org,2002:int' is not supported; an option's type is known without it"
      ),
      ("a: 1\n---\nb: 1", "2:1: not YAML: but found another document"),
      ("a: b: c", "1:5: not YAML: mapping values are not allowed in this context"),
      ("# only", "1:1: the document is empty"),
      ("a: &a [1]\n? *a\n: 2", "2:1: a key must be text, written out, in a document with anchors"),
      ("a: \u{0}", "1:4: a NUL byte; this is no text file"),
    ])
  func yamlErrors(text: String, message: String) {
    #expect(treeError(text, as: "a.yaml") == "a.yaml:" + message)
  }

  @Test("bytes that are no UTF-8 are refused with their place")
  func encoding() {
    let message = "not UTF-8; save the file with that encoding"
    #expect(treeError([0x7B, 0xFF, 0x7D], as: "a.json") == "a.json:1:2: \(message)")
    #expect(treeError(Array("{\"é".utf8) + [0xC3], as: "a.json") == "a.json:1:4: \(message)")
    #expect(treeError(Array("a: \u{FFFD}".utf8) + [0xC3], as: "a.yaml") == "a.yaml:1:5: \(message)")
    #expect(treeError([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0xFF], as: "a") == "a:1:10: \(message)")
  }

  @Test("nesting is bounded before any parser recurses")
  func depth() throws {
    let megabytes = String(repeating: "[", count: 10_000_000)
    #expect(treeError(megabytes, as: "a.json") == "a.json:1:65: not JSON: nested deeper than 64 levels")
    #expect(treeError(megabytes, as: "a.yaml") == "a.yaml:1:65: nested deeper than 64 levels")
    let blocks = String(repeating: "- ", count: 10_000)
    #expect(treeError(blocks, as: "a.yaml") == "a.yaml:1:129: nested deeper than 64 levels")
    let tables = String(repeating: "{\"a\":", count: 10_000)
    #expect(treeError(tables, as: "a.json") == "a.json:1:321: not JSON: nested deeper than 64 levels")
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(treeError(deepest, as: "a.json") == nil)
    #expect(treeError(deepest, as: "a.yaml") == nil)
  }

  @Test("aliases work, and cannot grow without bound")
  func aliases() throws {
    let tree = try SpecText("a: &x [1, 2]\nb: *x", file: "a.yaml").tree()
    #expect(tree["a"] == tree["b"])
    var laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for (name, last) in zip("bcdefghi", "abcdefgh") {
      laughs +=
        "\(name): &\(name) [" + Array(repeating: "*\(last)", count: 10).joined(separator: ", ") + "]\n"
    }
    #expect(
      treeError(laughs, as: "a.yaml") == "a.yaml:1:35: more than 100000 values, once aliases are written out")
    #expect(
      treeError(laughs + "*i : x", as: "a.yaml")
        == "a.yaml:10:1: a key must be text, written out, in a document with anchors")
  }

  @Test("without a telling extension, the content decides", arguments: ["spec", "a.d/spec", "spec.txt"])
  func content(file: String) throws {
    #expect(try SpecText(" \n{\"a\": 1}", file: file).tree()["a"]?.node == .number("1"))
    #expect(try SpecText("// c\n{\"a\": 1}", file: file).tree()["a"]?.node == .number("1"))
    #expect(try SpecText("a: 1", file: file).tree()["a"]?.node == .plain("1"))
  }

  @Test("a file that cannot be read says what to do")
  func files() throws {
    func message(_ file: String) -> String {
      do { return "\(try SpecText(contentsOf: file).bytes.count) bytes" } catch { return "\(error)" }
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(message("geo.json") == "no such file: geo.json; give the path of a spec (.json or .yaml)")
    #expect(
      message(folder.path) == "\(folder.path) is a folder; give the path of a spec (.json or .yaml) in it")
    let big = folder.appendingPathComponent("big.json")
    try Data(count: SpecText.sizeLimit + 1).write(to: big)
    #expect(message(big.path) == "\(big.path) has more than 16 MiB; is it a spec, or the data of one?")
    try Data(count: 3).write(to: big)
    #expect(message(big.path) == "3 bytes")
  }
}
