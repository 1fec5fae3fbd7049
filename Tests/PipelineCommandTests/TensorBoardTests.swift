// SPDX-License-Identifier: Apache-2.0
import Testing

/// What TensorBoard itself makes of the file, `make test-parity` checks.
@Suite("output.tensorboard", .timeLimit(.minutes(15)), .ownThreads)
struct TensorBoardTests {
  let sandbox: Sandbox
  private static let file = "/tensorboard/events.out.tfevents.0.shuffle-r1"

  init() throws {
    sandbox = try Sandbox()
    try sandbox.write("scored.jsonl", Samples.scored)
    try sandbox.write("p.json", Samples.spec)
  }

  @Test("an event file holds every name of metrics and timings, and the report says how to look at it")
  func writes() throws {
    let report = try sandbox.output("shuffle-r1 run p.json -o 'new run' --set output.tensorboard=on")
    #expect(report.contains("\ntensorboard   tensorboard --logdir 'new run'\n"))
    let events = sandbox.text("new run" + Self.file)
    // As bytes: a checksum behind a name can read as an accent on its last letter.
    #expect(events.utf8.contains("brain.Event:2".utf8))
    let lines = sandbox.text("new run/metrics.jsonl") + sandbox.text("new run/timings.jsonl")
    let names = Set(lines.matches(of: #/"([a-z_-]+/[a-z_/-]+)":/#).map { String($0.1) })
    #expect(names.isSuperset(of: ["advantage/advantage_histogram", "shuffle/units", "timing_s/step"]))
    for name in names.sorted() { #expect(events.utf8.contains(name.utf8), "\(name)") }
  }

  @Test("nothing is written unless it is asked for, and --overwrite leaves nothing behind")
  func isOff() throws {
    try sandbox.output("shuffle-r1 run p.json -q -o run --set output.tensorboard=on")
    #expect(sandbox.has("run" + Self.file))
    #expect(try sandbox.output("shuffle-r1 run p.json -o run --overwrite").contains("tensorboard") == false)
    #expect(!sandbox.has("run/tensorboard"))
  }
}
