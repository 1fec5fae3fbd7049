// SPDX-License-Identifier: Apache-2.0
import Foundation
import MathAnswers
import PipelineCore

/// Compares random and hostile expressions, and reports the slowest verdict.
///
/// A verdict that depends on the order of the two, an expression that does not equal itself, or a verdict above the
/// limit of processor time ends the program with status 1.
struct Fuzz {
  static let limitSeconds = 0.020
  private var draw: PhiloxGenerator
  private let comparison = MathComparison()
  private var slowest = (seconds: 0.0, pair: ("", ""))
  private var counts = [0, 0, 0]
  private var faults = 0

  init(seed: UInt64) { draw = PhiloxGenerator(seed: seed, purpose: "fuzz-math-answer") }

  mutating func run(rounds: Int) -> Bool {
    for round in 0..<rounds {
      let isHostile = round % 50 == 0
      let first = isHostile ? hostile() : text()
      let second = Int.random(in: 0..<(isHostile ? 2 : 4), using: &draw) == 0 ? mutated(first) : text()
      let there = timed(first, second)
      let back = timed(second, first)
      if kind(there) != kind(back) { fault("depends on the order", first, second) }
      if timed(first, first) != .equal { fault("does not equal itself", first, first) }
      // The same without the short way for equal texts.
      if kind(timed(first, "{" + first + "}")) == 1, isPlain(first) { fault("differs in braces", first, first) }
      counts[kind(there)] += 1
    }
    print(
      "\(rounds) pairs: \(counts[0]) equal, \(counts[1]) different, \(counts[2]) unknown;"
        + " slowest verdict \(String(format: "%.2f", slowest.seconds * 1e3)) ms of processor time")
    print("slowest: \(slowest.pair.0.prefix(100)) | \(slowest.pair.1.prefix(100))")
    if slowest.seconds > Self.limitSeconds { print("above the limit of \(Self.limitSeconds * 1e3) ms") }
    return faults == 0 && slowest.seconds <= Self.limitSeconds
  }

  private mutating func fault(_ reason: String, _ first: String, _ second: String) {
    faults += 1
    if faults <= 20 { print("\(reason): \(first.prefix(200)) | \(second.prefix(200))") }
  }

  private func kind(_ verdict: MathVerdict) -> Int {
    switch verdict {
    case .equal: 0
    case .different: 1
    case .unknown: 2
    }
  }

  private mutating func timed(_ first: String, _ second: String) -> MathVerdict {
    let start = clock_gettime_nsec()
    let verdict = comparison.compare(first, second)
    let seconds = Double(clock_gettime_nsec() - start) * 1e-9
    if seconds > slowest.seconds { slowest = (seconds, (first, second)) }
    return verdict
  }

  /// Of texts that are expressions, not mutations of them.
  private func isPlain(_ text: String) -> Bool { expressions.contains(text) }
  private var expressions: Set<String> = []

  private mutating func text() -> String {
    let expression = expression(depth: Int.random(in: 0...4, using: &draw))
    switch Int.random(in: 0..<10, using: &draw) {
    case 0: return mutated(expression)
    case 1: return "\\{" + list() + "\\}"
    case 2: return "(" + list() + pick([")", "]"])
    case 3: return list()
    case 4: return "x " + pick(["=", "<", "\\le", ">", "\\ne", "\\in"]) + " " + expression
    default:
      if expressions.count > 1000 { expressions.removeAll() }
      expressions.insert(expression)
      return expression
    }
  }

  private mutating func list() -> String {
    (0..<Int.random(in: 1...6, using: &draw)).map { _ in expression(depth: 1) }.joined(
      separator: pick([",", ", ", ";", " or "]))
  }

  private mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &draw) ?? "" }

  private mutating func expression(depth: Int) -> String {
    if depth == 0 {
      return pick([
        "\(Int.random(in: 0...20, using: &draw))", "\(Int.random(in: 0...99999, using: &draw))", "x", "y", "n", "a",
        "e", "i",
        "\\pi", "0.5", "2.25", "\\infty", "\\frac12", "3\\frac{1}{2}", "\\sqrt{2}", "x_1", "50\\%", "30^\\circ",
      ])
    }
    func part(_ fuzz: inout Fuzz) -> String { fuzz.expression(depth: depth - 1) }
    switch Int.random(in: 0..<16, using: &draw) {
    case 0, 1: return "\(part(&self)) + \(part(&self))"
    case 2: return "\(part(&self)) - \(part(&self))"
    case 3, 4: return "(\(part(&self)))(\(part(&self)))"
    case 5, 6: return "\\frac{\(part(&self))}{\(part(&self))}"
    case 7: return "(\(part(&self)))^{\(part(&self))}"
    case 8: return "\\sqrt{\(part(&self))}"
    case 9: return "\\\(pick(["sin", "cos", "tan", "ln", "log", "arctan", "exp"]))(\(part(&self)))"
    case 10: return "|\(part(&self))|"
    case 11: return "(\(part(&self)))!"
    case 12: return "\\binom{\(part(&self))}{\(part(&self))}"
    case 13: return "\\begin{pmatrix}\(part(&self))&\(part(&self))\\\\\(part(&self))&\(part(&self))\\end{pmatrix}"
    case 14: return "\\sum_{k=\(part(&self))}^{\(part(&self))} (\(part(&self)) k)"
    default: return "\\sqrt[\(part(&self))]{\(part(&self))}"
    }
  }

  private mutating func mutated(_ text: String) -> String {
    var bytes = Array(text.utf8)
    let pieces = [
      "{", "}", "(", ")", "[", "]", "\\", "^", "_", "\\frac", "\\left(", "\\right)", ",", ";", "|", "$", "\\text{", "!",
      "=",
      "<", "-", "\\pm", "\\cup", "9", "\\sqrt", "π", "²", " cm", "%", "&", "\\\\", "\\begin{pmatrix}", "\\end{pmatrix}",
    ]
    for _ in 0..<Int.random(in: 1...4, using: &draw) {
      let at = Int.random(in: 0...bytes.count, using: &draw)
      switch Int.random(in: 0..<4, using: &draw) {
      case 0: bytes.insert(contentsOf: pick(pieces).utf8, at: at)
      case 1: if at < bytes.count { bytes.remove(at: at) }
      case 2: if at < bytes.count { bytes[at] = UInt8.random(in: 0...255, using: &draw) }
      default: bytes.removeSubrange(at..<min(bytes.count, at + 4))
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Texts made to cost time, depth or memory.
  private mutating func hostile() -> String {
    let size = pick(["20", "200", "2000", "20000", "200000"])
    let count = Int(size) ?? 0
    func times(_ piece: String) -> String { String(repeating: piece, count: count) }
    let texts = [
      "9^{9^{9^9}}", "9^{9^{9^{9^9}}}", "1000000!", "20000!", "(20000!)!", "\\binom{10^9}{10^8}",
      "\\binom{10^{18}}{2000}",
      times("{"), times("}"), times("{}"), times("("), times("\\frac{"), times("\\frac{1}{") + "2" + times("}"),
      times("\\sqrt{") + "2" + times("}"), times("\\sin "), times("-"), times("1+"), times("1+") + "1",
      times("x*") + "x",
      times("2^"), times("9"), "0." + times("3"), "1e" + times("9"), "1e999999999", times("1,") + "1",
      "\\{" + times("7,") + "8\\}", times("\\text{a"), times("\\begin{pmatrix}"), times("1&"), times("\\\\"),
      times("|"),
      times("|x"), times("\\pm 1 "), "\\begin{pmatrix}" + times("1&2\\\\") + "\\end{pmatrix}",
      times("[0,1)\\cup ") + "(2,3)",
      times("(1,"), times("x_{"), times("$"), times("$1 "), times("\\left"), times("\\"), times("!"), "5" + times("!"),
      times("π"), times("²"), times("½"), times("a "), times("\\sqrt[3]"), times("1:"), times("x="), times("x<"),
      "\\sum_{k=1}^{2000}\\sum_{j=1}^{2000} k j", "\\sum_{k=1}^{10^{15}} k", "\\lfloor 10^{400} \\rfloor",
      "e^{e^{e^{e^{e}}}}",
      "\\sin(10^{20})", "\\ln(\\ln(\\ln 2))", "(1+10^{-50})^{10^{50}}", "\\gcd(10^{17}, 10^{16})", "\\sqrt[999]{2}",
      "((((x+1)^9)^9)^9)^9", "(x+y)^{1000000000}", "x^{x^{x^{x^x}}}", times("\\sum_{k=1}^{9}"), times("\\log_"),
      times("3\\frac{1}{"), times("\\overline{"), times("0.("), times("1 2 "), times("a\\pm b,"),
      "\\{" + times("x_{1},") + "y\\}",
      "\\{" + (0..<min(count, 3000)).map { "\\sqrt{\($0)}" }.joined(separator: ",") + "\\}", times("\\cup"),
      times("\\in"),
    ]
    // Brackets in brackets, each with a long tail.
    var nested = "1"
    for _ in 0..<11 { nested = "(\(nested), \(times("x,").prefix(900)) y)" }
    return (texts + [nested, "\\{" + nested + "\\}"]).randomElement(using: &draw) ?? ""
  }
}

/// The processor time of this thread.
private func clock_gettime_nsec() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
