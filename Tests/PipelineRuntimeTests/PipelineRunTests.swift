// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineIO
import PipelineRuntime
import Testing

/// Gives trajectories an advantage and drops those below a limit; stops where told, as a kill would.
private struct TestStage: Stage {
  static let about = ComponentAbout(name: "test", summary: "Drops rewards below a half")
  let reads: Set<Field> = [.reward]
  let writes: Set<Field> = [.advantage]
  var failingStep: Int?
  var loses = false

  init(options: NoOptions, assembly: Assembly) {}
  init(failingStep: Int? = nil, loses: Bool = false) {
    self.failingStep = failingStep
    self.loses = loses
  }

  func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    struct Oops: Error, CustomStringConvertible { let description = "oops" }
    if loses { batch = TrajectoryBatch(Array(batch.trajectories.dropFirst()), number: batch.number) }
    for index in 0..<batch.count {
      var draws = context.random(context.groupKey(batch[index].group))
      batch[index].advantage = draws.uniform()
    }
    try await context.tap(batch, name: "after")
    if batch.number == failingStep { throw Oops() }
    let rewards = batch.trajectories.map(\.reward)
    batch.drop(stage: context.stage, by: { (rewards[$0] ?? 0) < 0.5 ? "low" : nil })
    context.report.metric("seen", Double(rewards.count))
  }
}

@Suite("PipelineRun", .timeLimit(.minutes(15)))
struct PipelineRunTests {
  let folder: String
  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-run-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try writeInput(badLineAfter: 30)
  }

  /// Writes 60 rollouts and a line that is none.
  ///
  /// - Parameter padding: How many bytes each is longer.
  private func writeInput(badLineAfter bad: Int, padding: Int = 0) throws {
    var text = ""
    let more = padding == 0 ? "" : #","text":"\#(String(repeating: "a", count: padding))""#
    for index in 0..<60 {
      text += #"{"id":"\#(index)","group":"g\#(index / 4)","reward":\#(index % 3 == 0 ? "1" : "0.25")\#(more)}"# + "\n"
      if index == bad { text += "not a record\n" }
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/in.jsonl"))
  }

  private func plan(_ stage: TestStage, seed: UInt64 = 1, threads: Int = 1) -> RunPlan {
    var reader = TrajectoryReader.Options(paths: [folder + "/in.jsonl"])
    reader.cut = .groups(3)
    reader.threads = threads
    return RunPlan(
      stages: [NamedStage(name: "test", stage: stage)], reader: reader, seed: seed,
      rolloutsFile: "trajectories.jsonl", writesLineage: true, resolved: ["seed": .number(String(seed))],
      threads: threads)
  }

  @discardableResult
  private func run(
    _ name: String, _ stage: TestStage = TestStage(), seed: UInt64 = 1, threads: Int = 1,
    _ existing: RunDirectory.Existing = .refuse
  ) async throws -> RunSummary {
    let plan = plan(stage, seed: seed, threads: threads)
    let directory = try RunDirectory(path: folder + "/" + name, existing: existing, fingerprint: plan.resolved)
    return try await PipelineRun(plan: plan, directory: directory, observer: SilentObserver()).run()
  }

  private func failure(_ body: () async throws -> Void) async -> String {
    do {
      try await body()
      return "no error"
    } catch { return "\(error)" }
  }

  /// Every file of a run but the timings, by name.
  private func files(_ name: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    let root = folder + "/" + name
    for case let file as String in try #require(FileManager.default.enumerator(atPath: root)) {
      guard file != "timings.jsonl", file != "state.json", !file.hasPrefix(".") else { continue }
      files[file] = FileManager.default.contents(atPath: root + "/" + file)
    }
    return files
  }

  @Test("a run writes survivors, lineage, metrics, taps and bad records")
  func writesEverything() async throws {
    let summary = try await run("a")
    #expect(summary.steps == 5)
    #expect(summary.counts.badRecords == 1)
    #expect(summary.stages.first?.dropped == ["low": 40])
    let files = try files("a").mapValues { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }
    #expect(
      Set(files.keys) == [
        "resolved.json", "trajectories.jsonl", "lineage.jsonl", "metrics.jsonl", "taps/after.jsonl",
        "bad-records.jsonl",
      ])
    #expect(files["trajectories.jsonl"]?.count == 20)
    #expect(files["trajectories.jsonl"]?.first?.hasPrefix(#"{"id":"0","group":"g0","reward":1,"advantage":0."#) == true)
    #expect(files["trajectories.jsonl"]?.last?.hasSuffix(#","step":4}"#) == true)
    #expect(files["lineage.jsonl"]?.count == 60)
    #expect(
      files["lineage.jsonl"]?[1].hasPrefix(
        #"{"step":0,"id":"1","group":"g0","outcome":"dropped","stage":"test","rule":"low","reward":0.25,"advantage":"#)
        == true)
    #expect(files["taps/after.jsonl"]?.count == 60)
    #expect(files["metrics.jsonl"]?.count == 5)
    #expect(
      files["metrics.jsonl"]?[4].hasPrefix(
        #"{"step":4,"data/trajectories":12.0,"data/groups":3.0,"test/seen":12.0,"test/kept":4.0,"test/dropped/low":8.0,"#
      )
        == true)
    #expect(files["bad-records.jsonl"]?.count == 1)
  }

  @Test("the bytes do not depend on the number of threads", arguments: [2, 7])
  func threads(_ threads: Int) async throws {
    try await run("one")
    try await run("many", threads: threads)
    #expect(try files("one") == files("many"))
  }

  @Test("a run that stopped in any step resumes to the same bytes", arguments: 0..<5, [1, 2])
  func resumes(_ step: Int, _ threads: Int) async throws {
    try await run("whole")
    #expect(
      await failure { try await run("part", TestStage(failingStep: step), threads: threads) }
        == "stage 'test', step \(step): oops")
    try Data("half a li".utf8).append(to: folder + "/part/taps/after.jsonl")
    try await run("part", TestStage(), threads: threads, .resume)
    #expect(try files("whole") == files("part"))
    try await run("part", TestStage(), threads: threads, .resume)
    #expect(try files("whole") == files("part"))
  }

  @Test("what is read ahead is said with its own step: bad records, and a fault of the input", arguments: [1, 2, 7])
  func readsAhead(_ threads: Int) async throws {
    // First a mebibyte of lines is read at once, some 17 of these, then a quarter of one: the bad line when step 2 is read, and
    // not before.
    try writeInput(badLineAfter: 30, padding: 60_000)
    _ = await failure { try await run("stopped", TestStage(failingStep: 1), threads: threads) }
    #expect(try files("stopped")["bad-records.jsonl"] == nil)
    _ = await failure { try await run("later", TestStage(failingStep: 2), threads: threads) }
    #expect(try files("later")["bad-records.jsonl"] != nil)
    // A group of step 0 comes again behind step 4.
    try Data(#"{"id":"x","group":"g0","reward":1}"#.utf8 + [0x0A]).append(to: folder + "/in.jsonl")
    #expect(await failure { try await run("again", threads: threads) }.contains("appears again after its batch ended"))
    #expect(try files("again")["metrics.jsonl"]?.count(where: { $0 == 0x0A }) == 4)
  }

  @Test("a file that does not hold what was written is named, and nothing is cut", arguments: ["g0", "gX"])
  func damagedStream(_ replacement: String) async throws {
    _ = await failure { try await run("part", TestStage(failingStep: 3)) }
    let path = folder + "/part/lineage.jsonl"
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    let damaged = replacement == "g0" ? String(text.dropLast(40)) : text.replacing(#""g0""#, with: #""gX""#)
    try Data(damaged.utf8).write(to: URL(fileURLWithPath: path))
    try Data("torn".utf8).append(to: folder + "/part/metrics.jsonl")
    let before = try files("part")
    #expect(await failure { try await run("part", TestStage(), .resume) }.hasPrefix(path + " "))
    #expect(try files("part") == before)
  }

  @Test("a resolved spec that is damaged is named, and nothing is changed", arguments: ["", "{"])
  func damagedSpec(_ text: String) async throws {
    _ = await failure { try await run("part", TestStage(failingStep: 2)) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/part/resolved.json"))
    let before = try files("part")
    #expect(
      await failure { try await run("part", TestStage(), .resume) }
        == "\(folder)/part/resolved.json is damaged (\(text.isEmpty ? "it is empty" : "it is not JSON")); nothing was changed: "
        + "restore it from a copy, or start anew with --overwrite")
    #expect(try files("part") == before)
    try await run("part", TestStage(), .overwrite)
  }

  @Test("the TensorBoard file of a run that was resumed is as long, and steps lie at the same places")
  func resumesTensorBoard() async throws {
    let file = "tensorboard/events.out.tfevents.0.shuffle-r1"
    func run(_ name: String, _ stage: TestStage, _ existing: RunDirectory.Existing = .refuse) async throws {
      var plan = plan(stage)
      plan.writesTensorBoard = true
      let directory = try RunDirectory(path: folder + "/" + name, existing: existing, fingerprint: plan.resolved)
      _ = try await PipelineRun(plan: plan, directory: directory, observer: SilentObserver()).run()
    }
    try await run("whole", TestStage())
    _ = await failure { try await run("part", TestStage(failingStep: 3)) }
    try Data("half a record".utf8).append(to: folder + "/part/" + file)
    try await run("part", TestStage(), .resume)
    let whole = try #require(try files("whole")[file])
    let part = try #require(try files("part")[file])
    #expect(whole.count == part.count)
    let tag = Data("timing_s/step".utf8)
    func places(_ data: Data) -> [Int] { data.indices.filter { data[$0...].starts(with: tag) } }
    #expect(places(whole).count == 5)
    #expect(places(whole) == places(part))
    #expect(part.range(of: Data("test/advantage_histogram".utf8)) != nil)
    try await run("part", TestStage(), .overwrite)
    #expect(try files("part")[file]?.count == whole.count)
  }

  @Test("a directory that holds a run is neither overwritten nor continued unasked")
  func refuses() async throws {
    try await run("a")
    let path = folder + "/a"
    #expect(
      await failure { try await run("a") }
        == "\(path) holds a run already; continue it with --resume, replace it with --overwrite, or name another "
        + "directory with --output")
    #expect(
      await failure { try await run("a", seed: 2, .resume) }
        == "the spec or its input differs from what \(path) was started with (results: seed was 1, is 2); "
        + "undo that to resume, resume all the same with --accept-changes, or start anew with --overwrite")
    let before = try files("a")
    try await run("a", seed: 2, .overwrite)
    #expect(try files("a") != before)
    #expect(
      await failure { try await run("in.jsonl") }
        == "\(folder)/in.jsonl is a file; a run needs a directory: name another with --output")
    #expect(
      await failure { try await run(".") }
        == "\(folder)/. is not empty and holds no run; name another directory with --output")
  }

  @Test("two runs cannot be at work in one directory")
  func locks() async throws {
    let path = folder + "/locked"
    let first = try RunDirectory(path: path, existing: .refuse, fingerprint: 1)
    #expect(
      await failure { _ = try RunDirectory(path: path, existing: .resume, fingerprint: 1) }
        == "another run is at work in \(path); wait for it, or name another --output")
    _ = first
  }

  @Test("a stage that loses trajectories is found out")
  func findsLosses() async throws {
    #expect(
      await failure { try await run("a", TestStage(loses: true)) }
        == "stage 'test' lost or invented trajectories (12 before, 3 kept, 8 dropped); "
        + "a stage may only drop, by TrajectoryBatch.drop, put rollouts in the place of prompts, by expand, and bring stored ones "
        + "in, by insert")
  }

  @Test("input without a single usable line is an error")
  func nothingUsable() async throws {
    try Data("\n".utf8).write(to: URL(fileURLWithPath: folder + "/in.jsonl"))
    #expect(
      await failure { try await run("empty") }
        == "\(folder)/in.jsonl holds no trajectories; check that the right file was named")
    try Data("{\n".utf8).write(to: URL(fileURLWithPath: folder + "/in.jsonl"))
    #expect(
      await failure { try await run("bad") }
        == "\(folder)/in.jsonl:1:2: no line of \(folder)/in.jsonl can be used (1 bad); "
        + "the first: not JSON: the line ends before its object does")
  }
}

extension Data {
  fileprivate func append(to path: String) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: self)
    try handle.close()
  }
}
