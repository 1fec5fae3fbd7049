// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec
import Testing

/// Options of the rarer types.
private struct RareOptions: ComponentOptions {
  enum Cut: Codable, Hashable, Sendable {
    case top(count: Int)
    case none
  }
  struct Rule: ComponentOptions, Hashable {
    var field = "reward"
    var atLeast = 0.0
    static let help: [String: String] = [:]
    func problems() -> [OptionProblem] { atLeast < 0 ? [OptionProblem("at_least", "is negative")] : [] }
  }
  var maxAttempts = 3
  var useHTTPProxy = false
  var topP: Float = 1
  var cut = Cut.top(count: 1)
  var note: String?
  var rules = [Rule()]
  var byName: [String: Rule] = [:]
  var grid: [[Int]] = [[1, 2], [3]]
  var small: Int8 = 1
  static let help: [String: String] = [:]
}

/// A component with a weight, as plain properties.
private struct Weighed: ComponentOptions {
  struct Entry: ComponentOptions {
    var use = ""
    var weight = 1.0
    var with = OptionTree.empty
    static let help: [String: String] = [:]
  }
  var functions: [Entry] = []
  var main = ComponentReference("a", with: OptionTree(.table([]), at: OptionTree.empty.location))
  static let help: [String: String] = [:]
}

@Suite("SpecOptionsReader", .timeLimit(.minutes(15))) struct OptionsTests {
  private func read(_ text: String) throws -> RareOptions {
    try SpecOptionsReader().read(RareOptions.self, from: SpecText(text, file: "--with").tree())
  }

  private func errors(_ text: String) -> [String] {
    do { return ["read: \(try read(text))"] } catch {
      return "\(error)".split(separator: "\n").map(String.init)
    }
  }

  @Test("what is written is laid over the defaults")
  func overlay() throws {
    let options = try read(
      """
      {"max_attempts": 8.0, "use_http_proxy": true, "top_p": 0.5, "cut": {"none": {}}, "note": "x",
       "rules": [{"at_least": 2}, {}], "by_name": {"myKey": {"field": "a"}, "other_key": {}}, "grid": [[], [7]]}
      """)
    #expect(options.maxAttempts == 8)
    #expect(options.useHTTPProxy)
    #expect(options.topP == 0.5)
    #expect(options.cut == .none)
    #expect(options.note == "x")
    #expect(options.rules == [RareOptions.Rule(field: "reward", atLeast: 2), RareOptions.Rule()])
    #expect(options.byName == ["myKey": RareOptions.Rule(field: "a"), "other_key": RareOptions.Rule()])
    #expect(options.grid == [[], [7]])
    #expect(try read("{}").cut == .top(count: 1))
    #expect(try read("{\"note\": null}").note == nil)
    #expect(try read("cut: {top: {count: 4}}").cut == .top(count: 4))
  }

  @Test("mistakes in them are all found")
  func mistakes() {
    #expect(
      errors(
        """
        {"max_attempts": 2.5, "useHTTPProxy": true, "cut": {"bottom": {}}, "small": 300,
         "rules": [{"at_laest": 2}, 3], "by_name": {"a": {"feild": "x"}, "b": []},
         "grid": [[1], [2, "x"]], "note": [], "top_p": null}
        """) == [
          "--with:1:2: 'max_attempts' must be a whole number, found the number 2.5",
          "--with:1:23: unknown option 'useHTTPProxy'; did you mean 'use_http_proxy'?",
          "--with:1:45: 'cut' cannot be used (Invalid number of keys found, expected one.), found a table",
          "--with:1:68: 'small' must lie in -128…127, found the number 300",
          "--with:2:13: unknown option 'at_laest'; did you mean 'at_least'?",
          "--with:2:29: 'rules.1' must be a table such as {\"at_least\": 3}, found the number 3",
          "--with:2:51: unknown option 'feild'; did you mean 'field'?",
          "--with:2:66: 'by_name.b' must be a table of field, at_least, found a list",
          "--with:3:20: 'grid.1.1' must be a whole number, found the string \"x\"",
          "--with:3:27: 'note' must be a string, found a list",
          "--with:3:39: 'top_p' must be a number, found null",
        ])
    #expect(
      errors(
        """
        {"rules": [{"at_least": 1}, {"field": "x",
           "at_least": -2}], "by_name": {"a": {"at_least": -1}, "b": {"at_least": "-1"}}}
        """) == [
          "--with:2:4: 'rules.1.at_least' is negative",
          "--with:2:40: 'by_name.a.at_least' is negative",
          "--with:2:63: 'by_name.b.at_least' must be a number, found the string \"-1\"",
        ])
    #expect(errors("[]") == ["--with:1:1: 'with' must be a table, found a list"])
  }

  @Test("options of components pass unread, with the place that errors about them belong to")
  func components() throws {
    let text = """
      {"functions": [{"use": "a"}, {"use": "b", "with": {"x": [1]}}],
       "main": {"use": "c", "with": {"deep": {"er": 1}}}}
      """
    let options = try SpecOptionsReader().read(Weighed.self, from: SpecText(text, file: "f.json").tree())
    let references = options.functions.map { ComponentReference($0.use, with: $0.with) }
    #expect(references.map { $0.location?.description } == ["f.json:1:24", "f.json:1:51"])
    #expect(references[1].with["x"]?.location.description == "f.json:1:57")
    #expect(options.main.location?.description == "f.json:2:18")
    #expect(options.main.with["deep"]?["er"]?.node == .number("1"))
    let bare = try SpecOptionsReader().read(
      Weighed.self, from: SpecText("main: d", file: "f.yaml").tree())
    #expect(bare.main.use == "d")
    #expect(bare.main.location?.description == "f.yaml:1:7")
    #expect(bare.main.with.location.description == "f.yaml:1:7")
    #expect(ComponentReference("e").location == nil)
  }
}
