// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineIO
import Synchronization
import Testing

/// A folder that vanishes with the test.
final class ScratchFolder {
  let path: String
  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("shuffle-r1-test-\(UUID())").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String, _ text: String) throws -> String { try file(name, Data(text.utf8)) }
  func file(_ name: String, _ data: Data) throws -> String {
    let file = path + "/" + name
    try data.write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// Everything that a reader says about some files.
struct Reading {
  var batches: [[String]] = []
  var trajectories: [Trajectory] = []
  var bad: [BadRecord] = []
  var counts = TrajectoryReader.Counts()

  static func of(
    _ paths: [String], _ change: (inout TrajectoryReader.Options) -> Void = { _ in }
  ) async throws -> Reading {
    var options = TrajectoryReader.Options(paths: paths)
    change(&options)
    let log = Mutex<[BadRecord]>([])
    let logged: @Sendable (BadRecord) -> Void = { record in log.withLock { $0.append(record) } }
    let reader = TrajectoryReader(options, onBadRecord: logged)
    var reading = Reading()
    while let batch = try await reader.next() {
      reading.batches.append(batch.trajectories.map(\.id))
      reading.trajectories += batch.trajectories
    }
    reading.bad = log.withLock { $0 }
    reading.counts = await reader.counts
    return reading
  }

  static func failure(
    of paths: [String], _ change: (inout TrajectoryReader.Options) -> Void = { _ in }
  ) async -> String {
    do {
      _ = try await of(paths, change)
      return "no error"
    } catch {
      return "\(error)"
    }
  }
}

@Suite("TrajectoryReader", .timeLimit(.minutes(15)))
struct TrajectoryReaderTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  private func line(_ id: String, _ group: String, _ more: String = "") -> String {
    #"{"id":"\#(id)","group":"\#(group)"\#(more)}"# + "\n"
  }

  @Test("stored values are decoded, the others stay in the record")
  func decodes() async throws {
    let text =
      #"{"id":"a/0","group":"a","reward":0.9,"rewards":{"accuracy":1,"format":0},"reward_status":"scored","#
      + #""advantage":-1.5e-3,"pair":{"rank":2,"side":"low","weight":1.25,"partner":"a/7"},"draws":[3,0],"step":4,"#
      + #""response":"x \\boxed{2}\n","answer":2,"tokens":[1, 2,3],"my_key":[{"deep":1.50}]}"#
    let reading = try await Reading.of([try folder.file("in.jsonl", text)])
    let trajectory = try #require(reading.trajectories.first)
    #expect(trajectory.reward == 0.9)
    #expect(trajectory.rewards == [RewardPart("accuracy", 1), RewardPart("format", 0)])
    #expect(trajectory.rewardStatus == .scored)
    #expect(trajectory.advantage == -0.0015)
    #expect(trajectory.pair == Pair(rank: 2, side: .low, weight: 1.25, partner: "a/7"))
    #expect(trajectory.draws == [3, 0])
    #expect(trajectory.step == 4)
    #expect(try trajectory.response == "x \\boxed{2}\n")
    #expect(try trajectory.answer == "2")
    #expect(try trajectory.tokenCount == 3)
    #expect(try trajectory.value(of: Field("my_key"))?.json == #"[{"deep":1.50}]"#)
    #expect(try trajectory.value(of: Field("deep")) == nil)
  }

  @Test("byte order mark, CRLF, blank lines and a missing last line end are all fine")
  func toleratesLineEnds() async throws {
    let text =
      "\u{FEFF}" + #"{"id":"1","group":"g"}"# + "\r\n\r\n" + #"  {"id":"2","group":"g"}"# + "\n\n"
      + #"{"id":"3","group":"g"}"#
    let reading = try await Reading.of([try folder.file("in.jsonl", text)])
    #expect(reading.batches == [["1", "2", "3"]])
    #expect(reading.trajectories.map(\.record.line) == [1, 3, 5])
    var bytes: [UInt8] = []
    for trajectory in reading.trajectories { try TrajectoryEncoder.encode(trajectory, into: &bytes) }
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "{\"id\":\"1\",\"group\":\"g\"}\n{\"id\":\"2\",\"group\":\"g\"}\n{\"id\":\"3\",\"group\":\"g\"}\n")
  }

  @Test(
    "a bad line is put aside with its place and reason, and the others go on",
    arguments: [
      (#"{"id":"é","group":"g","x":[1,]}"#, 29, "not JSON: "),
      (#"{"id":"b","group":"g""#, 22, "not JSON: "),
      (#"{"id":"b","group":"g","x":"\ud800"}"#, 28, "not JSON: "),
      (#"{"id":"b","group":"g","reward":"1"}"#, 32, "'reward' must be a number or null, found a string"),
      (#"{"id":"b","group":"g","reward":1e999}"#, 32, "'reward' is too large for a 64-bit number"),
      (#"{"id":"b","group":"g","rewards":[1]}"#, 33, "'rewards' must be an object of named numbers, found an array"),
      (#"{"id":"b","group":"g","rewards":{"a":"x"}}"#, 33, "'rewards.a' must be a number or null, found a string"),
      (
        #"{"id":"b","group":"g","reward_status":"ok"}"#, 39,
        "'reward_status' must be one of scored, abstained, failed, timed_out"
      ),
      (#"{"id":"b","group":"g","response":5}"#, 34, "'response' must be a string, found a number"),
      (#"{"id":"b","group":"g","tokens":"1 2"}"#, 32, "'tokens' must be an array, found a string"),
      (#"{"id":"b","group":"g","prompt":5}"#, 32, "'prompt' must be a string or an array of messages, found a number"),
      (
        #"{"id":"b","group":"g","pair":{"rank":1}}"#, 30,
        "'pair' must hold rank, side (high or low), weight and partner"
      ),
      (#"{"id":"b","group":"g","draws":[1.5]}"#, 31, "'draws' must be an array of integers"),
      (#"{"id":"b","group":"g","step":0.5}"#, 30, "'step' must be an integer"),
      (#"{"id":"b","group":"g","id":"c"}"#, 28, "the key 'id' occurs twice in the record"),
      (#"{"id":"","group":"g"}"#, 7, "'id' is empty; give it a text"),
      (#"{"group":"g"}"#, 1, "the record has no 'id'; every trajectory needs one (`shuffle-r1 convert` gives it one)"),
      (
        #"{"id":"b"}"#, 1,
        "the record has no 'group'; every trajectory needs one (or name the fields that make it in group_by)"
      ),
      (#"[1]"#, 1, "not JSON: "),
    ])
  func putsAside(_ bad: String, _ column: Int, _ reason: String) async throws {
    let file = try folder.file("in.jsonl", line("1", "g") + bad + "\n" + line("2", "g"))
    let reading = try await Reading.of([file])
    #expect(reading.batches == [["1", "2"]])
    let record = try #require(reading.bad.first)
    #expect(record.location == SourceLocation(file: file, line: 2, column: column))
    #expect(record.reason.hasPrefix(reason), "\(record.reason)")
    #expect(record.text == bad)
    #expect(reading.counts.badRecords == 1)
  }

  @Test("more bad records than allowed end the reading")
  func limitsBadRecords() async throws {
    let file = try folder.file("in.jsonl", line("1", "g") + "oops\n" + "{\n")
    #expect(
      await Reading.failure(of: [file]) { $0.maxBadRecords = 1 }
        == "\(file):2:1: not JSON: a record must be a JSON object (the first of 2 bad records); "
        + "correct the file, or allow more with max_bad_records (now 1)")
    let unlimited = try await Reading.of([file]) { $0.maxBadRecords = nil }
    #expect(unlimited.counts.badRecords == 2)
  }

  @Test("null and bare NaN rewards are no rewards, and NaN is never written")
  func nonFinite() async throws {
    let file = try folder.file(
      "in.jsonl",
      line("1", "g", #","reward":NaN,"x":[1,-Infinity,"NaN"]"#) + line("2", "g", #","reward":null"#)
        + line("3", "g", #","reward":Infinity"#))
    let reading = try await Reading.of([file])
    #expect(reading.trajectories.map(\.reward) == [nil, nil, nil])
    #expect(reading.counts.nonFiniteRecords == 2)
    var bytes: [UInt8] = []
    try TrajectoryEncoder.encode(reading.trajectories[0], into: &bytes)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == "{\"id\":\"1\",\"group\":\"g\",\"reward\":null,\"x\":[1,null,\"NaN\"]}\n")
  }

  @Test("an id may stand only once in a batch; the second is put aside")
  func duplicateIDs() async throws {
    let file = try folder.file("in.jsonl", line("1", "g") + line("2", "g") + line("1", "h"))
    let reading = try await Reading.of([file])
    #expect(reading.batches == [["1", "2"]])
    #expect(reading.bad.map(\.reason) == ["the id '1' is already in line 1 of the same batch"])
    #expect(reading.bad.map(\.location.line) == [3])
  }

  @Test(
    "among many ids, one that comes twice is found, and one that only looks the same to Swift is another",
    arguments: [1, 2])
  func manyIDs(_ threads: Int) async throws {
    let ids = (0..<5_000).map { "rollout-\($0 / 16)-of-a-long-name/\($0 % 16)" } + ["caf\u{E9}", "cafe\u{301}"]
    let again = [0, 17, 1_023, 4_999]
    let text = (ids + again.map { ids[$0] }).map { #"{"id":"\#($0)","group":"g"}"# + "\n" }.joined()
    let file = try folder.file("many.jsonl", text)
    let reading = try await Reading.of([file]) { $0.threads = threads }
    #expect(reading.batches.map { $0.map { Array($0.utf8) } } == [ids.map { Array($0.utf8) }])
    #expect(
      reading.bad.map(\.reason) == again.map { "the id '\(ids[$0])' is already in line \($0 + 1) of the same batch" })
  }

  @Test(
    "several threads read a file's chunks as one thread does: long lines, bad ones, and a last one without its end",
    arguments: [2, 7], ["", "\n"])
  func chunks(_ threads: Int, _ end: String) async throws {
    var text = ""
    for index in 0..<400 {
      // Some lines are longer than a chunk, and the bytes before them do not fill one.
      let length = index % 97 == 96 ? 1_300_000 : 9_000 + index * 13 % 4_000
      text +=
        #"{"id":"\#(index)","group":"g\#(index / 8)","text":"\#(String(repeating: "é", count: length / 2))"}"# + "\n"
      if index % 50 == 49 { text += "[\n" }
    }
    let file = try folder.file("chunks.jsonl", text + #"{"id":"last","group":"z"}"# + end)
    let alone = try await Reading.of([file, file]) {
      $0.cut = .field(.group)
      $0.stepsMayReturn = true
    }
    let many = try await Reading.of([file, file]) {
      $0.cut = .field(.group)
      $0.stepsMayReturn = true
      $0.threads = threads
    }
    #expect(alone.counts.lines == 2 * 409)
    #expect(alone.counts.trajectories == 2 * 401)
    #expect(many.batches == alone.batches)
    #expect(many.bad == alone.bad)
    #expect(many.counts == alone.counts)
    #expect(many.trajectories.map(\.record.line) == alone.trajectories.map(\.record.line))
    for (one, other) in zip(alone.trajectories, many.trajectories) {
      let same = try one.record.withBytes { left in
        try other.record.withBytes { right in Data(left) == Data(right) }
      }
      #expect(same)
    }
  }

  @Test(
    "named rewards are read as they are written",
    arguments: [
      (#"{"a":1,"b":-0.5e1}"#, #"{"a":1.0,"b":-5.0}"#), (#"{ "a" : 1 , "n" : null }"#, #"{"a":1.0}"#), ("{}", "{}"),
      (#"{"a":1,"i":-Infinity,"a":2}"#, #"{"a":1.0,"a":2.0}"#), (#"{"\u0061\"":1}"#, #"{"a\"":1.0}"#),
    ])
  func rewardParts(_ written: String, _ expected: String) async throws {
    let file = try folder.file("rewards.jsonl", #"{"id":"1","group":"g","rewards":\#(written)}"# + "\n")
    let reading = try await Reading.of([file])
    var bytes: [UInt8] = []
    reading.trajectories.first?.writeValue(of: .rewards, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }

  @Test(
    "a named reward that is no number is told",
    arguments: [(#""x""#, "a string"), ("[1]", "an array"), ("1e999", "a number"), ("true", "a boolean")])
  func rewardPartFault(_ value: String, _ kind: String) async throws {
    let file = try folder.file("rewards.jsonl", #"{"id":"1","group":"g","rewards":{"a":1,"b":\#(value)}}"# + "\n")
    #expect(
      try await Reading.of([file]).bad.map(\.reason) == ["'rewards.b' must be a number or null, found \(kind)"])
  }

  @Test("batches are cut by a number of groups")
  func cutsByGroups() async throws {
    let text = line("1", "a") + line("2", "b") + line("3", "a") + line("4", "c") + line("5", "d") + line("6", "e")
    let reading = try await Reading.of([try folder.file("in.jsonl", text)]) { $0.cut = .groups(2) }
    #expect(reading.batches == [["1", "2", "3"], ["4", "5"], ["6"]])
  }

  @Test("batches are cut by a field, and by themselves where records carry 'batch'")
  func cutsByField() async throws {
    let steps = line("1", "a", #","step":0"#) + line("2", "b", #","step":0"#) + line("1", "a", #","step":1"#)
    let file = try folder.file("steps.jsonl", steps)
    #expect(try await Reading.of([file]) { $0.cut = .field(.step) }.batches == [["1", "2"], ["1"]])
    let custom = line("1", "a", #","epoch":"x""#) + line("2", "a", #","epoch":"y""#)
    let other = try folder.file("custom.jsonl", custom)
    #expect(try await Reading.of([other]) { $0.cut = .field(Field("epoch")) }.batches == [["1"], ["2"]])
    let stamped = line("1", "a", #","batch":7"#) + line("2", "b", #","batch":8"#)
    let third = try folder.file("batch.jsonl", stamped)
    #expect(try await Reading.of([third]).batches == [["1"], ["2"]])
    #expect(try await Reading.of([third]) { $0.cut = .all }.batches == [["1", "2"]])
  }

  @Test("a group or value that comes back after its batch ended is an error")
  func reappearance() async throws {
    let file = try folder.file("in.jsonl", line("1", "a") + line("2", "b") + line("3", "c") + line("4", "a"))
    #expect(
      await Reading.failure(of: [file]) { $0.cut = .groups(1) }
        == "\(file):4:1: group 'a' appears again after its batch ended; put its rollouts next to each other, "
        + "raise the number of groups, or use one batch")
    let steps = try folder.file(
      "steps.jsonl", line("1", "a", #","step":0"#) + line("2", "a", #","step":1"#) + line("3", "a", #","step":0"#))
    #expect(
      await Reading.failure(of: [steps]) { $0.cut = .field(.step) }
        == "\(steps):3:1: 'step' 0 appears again after its batch ended; sort the file by 'step', or use one batch")
    #expect(
      await Reading.failure(of: [file]) { $0.cut = .field(Field("epoch")) }
        == "\(file):1:1: trajectory '1' has no 'epoch', by which batches are cut")
  }

  @Test("group_by names the group by other fields")
  func groupBy() async throws {
    let text =
      #"{"id":"1","prompt":"p","step":1}"# + "\n" + #"{"id":"2","prompt":"p","step":2}"# + "\n" + #"{"id":"3"}"#
    let reading = try await Reading.of([try folder.file("in.jsonl", text)]) {
      $0.groupBy = [Field("step"), Field("prompt")]
    }
    #expect(reading.trajectories.map(\.group) == ["1|p", "2|p"])
    #expect(reading.bad.map(\.reason) == ["the record has no 'step', which group_by names"])
    var bytes: [UInt8] = []
    try TrajectoryEncoder.encode(reading.trajectories[0], into: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == #"{"id":"1","prompt":"p","step":1,"group":"1|p"}"# + "\n")
  }

  @Test("what the source provides must be a key of every record")
  func required() async throws {
    let file = try folder.file("in.jsonl", line("1", "g", #","reward":null,"x":1"#) + line("2", "g", #","reward":1"#))
    let reading = try await Reading.of([file]) { $0.required = [.reward, Field("x")] }
    #expect(reading.batches == [["1"]])
    #expect(reading.bad.map(\.reason) == ["the source provides 'x', but this record has no such key"])
  }

  @Test("several files follow one another, each with lines of its own")
  func severalFiles() async throws {
    let first = try folder.file("1.jsonl", line("1", "a") + line("2", "b"))
    let second = try folder.file("2.jsonl", "oops\n" + line("3", "b"))
    let reading = try await Reading.of([first, second])
    #expect(reading.batches == [["1", "2", "3"]])
    #expect(reading.bad.map(\.location) == [SourceLocation(file: second, line: 1, column: 1)])
  }

  @Test("a path that is no readable file is an error that says what to do")
  func badPaths() async throws {
    let missing = folder.path + "/none.jsonl"
    #expect(await Reading.failure(of: [missing]) == "cannot open \(missing): no such file; check the path")
    #expect(
      await Reading.failure(of: [folder.path]) == "cannot read \(folder.path): it is a directory; name a file")
  }

  @Test("thousands of lines come out in order on 1, 2 and 7 threads", arguments: [1, 2, 7])
  func ordered(_ threads: Int) async throws {
    var text = ""
    for index in 0..<20_000 {
      text += line("\(index)", "\(index / 16)", #","response":"\#(String(repeating: "x", count: index % 300))""#)
    }
    let reading = try await Reading.of([try folder.file("in.jsonl", text)]) { $0.threads = threads }
    #expect(reading.trajectories.map(\.id) == (0..<20_000).map(String.init))
    #expect(reading.trajectories.map(\.record.line) == Array(1...20_000))
    #expect(reading.trajectories[299].id == "299")
    #expect(try reading.trajectories[299].response == String(repeating: "x", count: 299))
  }

  @Test("a line longer than a chunk is read whole")
  func longLine() async throws {
    let long = String(repeating: "y", count: 5 << 20)
    let text = line("1", "g") + line("2", "g", #","response":"\#(long)""#) + line("3", "g")
    let reading = try await Reading.of([try folder.file("in.jsonl", text)])
    #expect(reading.batches == [["1", "2", "3"]])
    #expect(try reading.trajectories[1].response?.utf8.count == 5 << 20)
  }

  @Test("prompts: their group is their id where they name none, and each comes once in all of the input")
  func prompts() async throws {
    let one = try folder.file(
      "one.jsonl", #"{"id":"a","prompt":"?"}"# + "\n" + #"{"id":"b/0","group":"b"}"# + "\n" + #"{"prompt":"?"}"# + "\n")
    let two = try folder.file("two.jsonl", #"{"id":"c"}"# + "\n" + #"{"id":"a"}"# + "\n" + #"{"id":"b"}"# + "\n")
    let reading = try await Reading.of([one, two]) {
      $0.kind = .prompts
      $0.format = "shuffle-r1"
      $0.cut = .groups(1)
    }
    #expect(reading.batches == [["a"], ["b/0"], ["c"]])
    #expect(reading.trajectories.map(\.group) == ["a", "b", "c"])
    #expect(reading.trajectories.map(\.record.file) == [one, one, two])
    #expect(
      reading.bad.map { "\($0.location.line): \($0.reason)" } == [
        "3: the record has no 'id'; every prompt needs one (`shuffle-r1 convert` gives it one)",
        "2: the prompt 'a' has occurred before; give each prompt its own id",
        "3: the prompt 'b' has occurred before; give each prompt its own id",
      ])
  }

  @Test("a trajectory that turns out to be of no use counts as a bad record, at its own place")
  func rejects() async throws {
    let path = try folder.file("in.jsonl", line("a/0", "a") + line("a/1", "a"))
    var options = TrajectoryReader.Options(paths: [path])
    options.maxBadRecords = 1
    let log = Mutex<[BadRecord]>([])
    let reader = TrajectoryReader(options) { record in log.withLock { $0.append(record) } }
    let batch = try #require(try await reader.next())
    try await reader.reject(batch[1], because: "it is no use")
    #expect(await reader.counts.trajectories == 1)
    #expect(log.withLock { $0.map(\.location) } == [SourceLocation(file: path, line: 2, column: 1)])
    await #expect(throws: PipelineError.self) { try await reader.reject(batch[0], because: "nor is this") }
  }
}
