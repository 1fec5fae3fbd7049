// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

/// A number that must not be negative.
private struct Inner: ComponentOptions {
  var maxSize = 1
  static let help = ["max_size": "a number"]
  init() {}
  init(_ maxSize: Int) { self.maxSize = maxSize }
  func problems() -> [OptionProblem] { maxSize < 0 ? [OptionProblem("max_size", "is negative")] : [] }
}

/// Options that hold others in every way that there is.
private struct Outer: ComponentOptions {
  enum Choice: Codable, Sendable {
    case none
    case some(limit: Inner)
  }
  struct Middle: ComponentOptions {
    var innerOne = Inner()
    static let help = ["inner_one": "options"]
  }
  var alone = Inner()
  var renamed = Inner()
  var list: [Inner] = []
  var byName: [String: Inner] = [:]
  var choice = Choice.none
  var middle = Middle()
  var own = 0

  private enum CodingKeys: String, CodingKey {
    case alone, list, byName, choice, middle, own
    case renamed = "$other"
  }
  static let help: [String: String] = [:]
  func problems() -> [OptionProblem] { own < 0 ? [OptionProblem("own", "is negative")] : [] }
}

@Suite("Options within options", .timeLimit(.minutes(15)))
struct NestedOptionsTests {
  @Test("are asked at any depth, and named by the path that a spec has")
  func paths() throws {
    var options = Outer()
    #expect(try options.allProblems().isEmpty)
    options.alone = Inner(-1)
    options.renamed = Inner(-1)
    options.list = [Inner(1), Inner(-1)]
    options.byName = ["z": Inner(-1), "aB": Inner(-1)]
    options.choice = .some(limit: Inner(-1))
    options.middle.innerOne = Inner(-1)
    options.own = -1
    #expect(
      try options.allProblems().map(\.path) == [
        "alone.max_size", "list.1.max_size", "by_name.aB.max_size", "by_name.z.max_size",
        "choice.some.limit.max_size", "middle.inner_one.max_size", "$other.max_size", "own",
      ])
    #expect(options.problems().map(\.path) == ["own"])
  }
}
