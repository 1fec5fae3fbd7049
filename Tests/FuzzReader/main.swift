// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCommand
import PipelineCore
import PipelineIO
import PipelineSpec
// Feeds mutated records and specs to the reader, the importers, the encoder and the spec loader.
//
// Bounded: a number of rounds (first argument, 20,000 unless given) from a seed (second argument, 1). A round that
// takes longer than 10 seconds or memory beyond 4 GiB ends the program; so does a crash. What the reader accepts must
// be accepted again after it was written, with the same id, group and reward.
import StandardPlugins

let rounds = CommandLine.arguments.dropFirst().first.flatMap(Int.init) ?? 20_000
let seed = CommandLine.arguments.dropFirst(2).first.flatMap(UInt64.init) ?? 1
var draw = PhiloxGenerator(seed: seed, purpose: "fuzz-reader")

var limit = rlimit(rlim_cur: 4 << 30, rlim_max: 4 << 30)
#if os(Linux)
  setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
#else
  setrlimit(RLIMIT_AS, &limit)
#endif

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-reader-\(getpid())").path
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: folder) }
let file = folder + "/in"

let records = [
  #"{"id":"a/0","group":"a","prompt":[{"role":"user","content":[{"type":"text","text":"x\n\u00e9\ud83d\ude00"}]}],"response":"\\boxed{2}","tokens":[1,22,333],"logprobs":[-0.1,-2e-05,0],"reward":0.9,"rewards":{"accuracy":1},"pair":{"rank":0,"side":"high","weight":1.5,"partner":"a/1"},"draws":[1,2],"x":[[],{},null,true,NaN]}"#,
  #"{"input":"p","output":"r","gts":"C","score":0.0,"step":0,"uid":"20251101_193625-0","accuracy":1.0}"#,
  #"{"step":1,"prompt":"p","completion":"c","accuracy_reward":1.0,"advantage":0.5}"#,
  #"{"step":"1","prompt":["p","p"],"completion":["c","d"],"Acc":[1.0,0.0],"advantages":[1.0,-1.0]}"#,
  #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},{"role":"assistant","content":"r"}]}"#,
  #"{"example_id":0,"prompt":[{"role":"user","content":"p"}],"completion":[{"role":"assistant","content":"c"}],"answer":"a","reward":1.0}"#,
]
let specs = [
  #"{"seed":1,"source":{"rollouts":"r.jsonl","provides":["reward"],"batch":{"groups":4}},"stages":["advantage",{"use":"pairwise-sample","with":{"keep":0.5}},{"use":"shuffle","with":{"rounds":8}}]} // c"#,
  "seed: 1\nsource:\n  rollouts: r.jsonl\n  provides: [answer]\nstages:\n  - use: reward\n    with:\n      functions:\n        - {use: boxed-answer, weight: 0.9}\n        - use: format\n  - advantage\n",
]
let tokens = [
  "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "NaN", "-Infinity", "null", "1e999", "-", "01", "\n",
  "\r\n", "\u{FEFF}",
  "\u{0}", "\"id\":", "\"group\":", "&a", "*a", "<<:", "!!", "|", ">", "- ", "? ", "%", "#", "//", "/*",
  String(repeating: "[", count: 3000),
]

@MainActor func mutated(_ text: String) -> [UInt8] {
  var bytes = Array(text.utf8)
  for _ in 0..<Int.random(in: 0...6, using: &draw) {
    let at = Int.random(in: 0...bytes.count, using: &draw)
    switch Int.random(in: 0..<6, using: &draw) {
    case 0: if at < bytes.count { bytes[at] = UInt8.random(in: 0...255, using: &draw) }
    case 1: bytes.insert(contentsOf: (tokens.randomElement(using: &draw) ?? "").utf8, at: at)
    case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 0...20, using: &draw)))
    case 3: bytes.removeSubrange(at...)
    case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 40)], at: at)
    default: bytes.insert(UInt8.random(in: 0...255, using: &draw), at: at)
    }
  }
  return bytes
}

@MainActor func read(_ bytes: [UInt8], format: String?) async throws -> [Trajectory] {
  try Data(bytes).write(to: URL(fileURLWithPath: file))
  var options = TrajectoryReader.Options(paths: [file])
  options.format = format
  options.maxBadRecords = nil
  let reader = TrajectoryReader(options)
  var all: [Trajectory] = []
  while let batch = try await reader.next() { all += batch.trajectories }
  return all
}

struct Broken: Error { let what: String }
let registry = try Registry.standard()
var accepted = 0
var refused = 0

for round in 0..<rounds {
  alarm(10)
  if round % 3 == 2 {
    let text = mutated(specs.randomElement(using: &draw) ?? "")
    let name = Bool.random(using: &draw) ? "s.json" : "s.yaml"
    do {
      _ = try SpecLoader.load(
        SpecText(bytes: text, file: name), registry: registry, formats: FormatCatalog.standard.names)
      accepted += 1
    } catch { refused += 1 }
    continue
  }
  let lines = (0..<Int.random(in: 1...4, using: &draw)).map { _ in mutated(records.randomElement(using: &draw) ?? "") }
  let format = Bool.random(using: &draw) ? nil : FormatCatalog.standard.names.randomElement(using: &draw)
  do {
    let first = try await read(Array(lines.joined(separator: [0x0A])), format: format)
    var written: [UInt8] = []
    for trajectory in first { try TrajectoryEncoder.encode(trajectory, into: &written) }
    if !first.isEmpty {
      let second = try await read(written, format: "shuffle-r1")
      guard first.map(\.id) == second.map(\.id), first.map(\.group) == second.map(\.group),
        first.map(\.reward) == second.map(\.reward)
      else { throw Broken(what: "round \(round): what was written reads differently") }
    }
    accepted += first.isEmpty ? 0 : 1
  } catch let error as Broken {
    print("fuzz-reader: \(error.what); seed \(seed)")
    print(String(decoding: Array(lines.joined(separator: [0x0A])), as: UTF8.self))
    exit(1)
  } catch { refused += 1 }
}
print("fuzz-reader: \(rounds) rounds from seed \(seed): \(accepted) accepted, \(refused) refused, nothing broken")
