// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("the reference that components make of themselves", .timeLimit(.minutes(15)), .ownThreads)
struct ReferenceTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test("every component and every metric has its place on the pages, which are the same each time")
  func pages() throws {
    #expect(try sandbox.output("shuffle-r1 describe --markdown a/b") == "")
    let written = sandbox.tree("a/b")
    #expect(try sandbox.output("shuffle-r1 describe --markdown a/b") == "")
    #expect(sandbox.tree("a/b") == written)
    let text = written.values.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
    let components = try JSONValue(parsing: sandbox.output("shuffle-r1 describe --json")).arrayValue ?? []
    #expect(components.count > 40)
    for name in components.compactMap({ $0["name"]?.stringValue }) { #expect(text.contains(name), "\(name)") }
  }

  /// Patterns with `<name>` for what a spec gives a name, as a regular expression.
  private func described() throws -> [Regex<AnyRegexOutput>] {
    let list = try JSONValue(parsing: sandbox.output("shuffle-r1 describe --metrics --json"))
    return try (list.arrayValue ?? []).compactMap { $0["name"]?.stringValue }.map { name in
      try Regex(name.replacing(try Regex("<[a-z]+>"), with: ".+"))
    }
  }

  @Test("every figure of a training run is described")
  func complete() throws {
    let sandbox = try Sandbox.withTraining()
    try sandbox.output("shuffle-r1 run train.json -q -o run")
    let patterns = try described()
    var names: Set<String> = []
    for file in ["metrics", "timings", "evaluations"] {
      for line in sandbox.text("run/\(file).jsonl").split(separator: "\n") {
        names.formUnion(try JSONValue(parsing: String(line)).objectValue?.map(\.key) ?? [])
      }
    }
    // The step, and the time at which a part of the run was started, are no figures.
    names.subtract(["step", "started"])
    #expect(names.count > 60)
    for name in names.sorted() {
      #expect(try patterns.contains { try $0.wholeMatch(in: name) != nil }, "\(name)")
    }
  }

  @Test("the figures of one component, for people")
  func ofOne() throws {
    #expect(
      try sandbox.output("shuffle-r1 describe kl-penalty --metrics") == """
        kl-penalty
          critic/kl, nats per token
            KL divergence to the reference: mean over trajectories of the mean over
            their tokens
          critic/kl_coef, reward per nat
            coefficient of the penalty in this step
          kl-penalty/kl_failed, trajectories
            lost their reward since their KL divergence cannot be computed

        """)
    #expect(try sandbox.output("shuffle-r1 describe tap --metrics") == "no metrics\n")
  }

  @Test("describe prints rules, figures and where a method was published")
  func page() throws {
    let text = try sandbox.output("shuffle-r1 describe pairwise-sample")
    #expect(text.contains("  paper   Shuffle-R1, Pairwise Trajectory Sampling: https://arxiv.org/abs/2508.05612\n"))
    #expect(
      text.contains(
        """
          drops by the rules
            no-advantage
              it has no advantage to be selected by

        """))
    #expect(
      text.contains(
        """
          metrics
            pairwise-sample/pairs, pairs
              pairs that were kept

        """))
  }

  @Test("pages and a name exclude each other")
  func usage() throws {
    try Case(
      "both", "shuffle-r1 describe tap --markdown x 2>&1 | head -1 >&2; exit ${PIPESTATUS[0]}", status: 2,
      "Error: --markdown writes everything; give it alone"
    ).check(in: sandbox)
  }
}
