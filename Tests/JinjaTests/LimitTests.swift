// SPDX-License-Identifier: Apache-2.0
import Foundation
import Jinja
import Testing

@Suite("Jinja: limits", .timeLimit(.minutes(15)))
struct LimitTests {
  private static func nested(
    _ begin: String, _ open: String, _ inner: String, _ close: String, _ end: String
  ) -> String {
    begin + String(repeating: open, count: 5000) + inner + String(repeating: close, count: 5000) + end
  }

  /// Templates that are made to hurt, and how their errors begin.
  private static let templates: [(String, String)] = [
    ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "rendering takes more than"),
    ("{{ 'a' * 999999999 }}", "a string is longer than"), ("{{ [1] * 999999999999 }}", "rendering takes more than"),
    ("{{ 'a' * 9223372036854775807 }}", "a string is longer than"),
    ("{{ '%999999999d' % 1 }}", "Too many decimal digits"),
    (
      "{% set ns = namespace(x='aaaaaaaa') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
      "a string is longer than"
    ),
    (
      "{% set ns = namespace(x=[1]) %}{% for a in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}",
      "a value holds more than"
    ),
    (
      "{% set ns = namespace(x=[]) %}{% for a in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}",
      "a value nests deeper than"
    ),
    ("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "maximum recursion depth exceeded"),
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "macros, blocks and expressions nest deeper than"),
    (
      "{% set ns = namespace(x=[1]) %}{% for a in range(99) %}{% set ns.x = ns.x|map('upper') %}{% endfor %}",
      "more than 50 filters"
    ),
    (
      "{% for a in range(99999) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 9 }}{% endfor %}",
      "the output is longer than"
    ),
    (nested("{{ ", "(", "1", ")", " }}"), "the template nests deeper than"),
    (nested("{{ ", "[", "1", "]", " }}"), "the template nests deeper than"),
    (nested("{{ 1", " + 1", "", "", " }}"), "operations that wait for one another"),
    (nested("{{ x", ".y", "", "", " }}"), "operations that wait for one another"),
    (nested("{{ x", "|e", "", "", " }}"), "operations that wait for one another"),
    (nested("{{ ", "not ", "1", "", " }}"), "the template nests deeper than"),
    (nested("{{ ", "-", "1", "", " }}"), "the template nests deeper than"),
    (nested("", "{% if 1 %}", "", "{% endif %}", ""), "the template nests deeper than"),
    (nested("{{ 1", " if 1 else 1", "", "", " }}"), "the template nests deeper than"),
  ]

  @Test("hostile templates end with an error", arguments: templates)
  func hostile(text: String, expected: String) {
    // On the small stack that a thread may have.
    let result = OnSmallStack.run { rendered(text) }
    #expect(result.contains(expected), "\(result.prefix(200))")
  }

  @Test("values of a context that nest too deep are refused")
  func deepContext() {
    let deep = (0..<300).reduce(Value.list([])) { value, _ in .list([value]) }
    #expect(rendered("{{ x }}", ["x": deep]) == "line 1: a value nests deeper than 200 levels")
  }

  @Test("a template is rendered by several threads at once")
  func threads() async throws {
    let template = try Template("{% for x in m %}{{ x.a | upper }}{% endfor %}", options: .chat)
    await withTaskGroup(of: String.self) { group in
      for index in 0..<32 {
        group.addTask { (try? template.render(["m": [["a": .string("a\(index)")]]])) ?? "" }
      }
      var texts: Set<String> = []
      for await text in group { texts.insert(text) }
      #expect(texts.count == 32)
    }
  }

  @Test("macros that name each other leave nothing behind")
  func cycles() throws {
    let template = try Template(
      "{% set ns = namespace() %}{% macro a() %}{{ x }}{% endmacro %}{% set ns.m = a %}{% set ns.n = ns %}{{ a() }}")
    for _ in 0..<1000 { #expect(try template.render(["x": "1"]) == "1") }
  }
}

/// Runs something on a thread with half a megabyte of stack, the least that a system gives one.
private enum OnSmallStack {
  private final class Box: @unchecked Sendable { var text = "" }

  static func run(_ body: @escaping @Sendable () -> String) -> String {
    let box = Box()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      box.text = body()
      done.signal()
    }
    thread.stackSize = 512 << 10
    thread.start()
    done.wait()
    return box.text
  }
}
