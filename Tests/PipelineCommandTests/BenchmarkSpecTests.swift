// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite("Examples/benchmarks: which reward for which benchmark", .timeLimit(.minutes(15)), .ownThreads)
struct BenchmarkSpecTests {
  static let names = [
    "a-okvqa", "a-okvqa-direct", "chartqa", "easy-vqa", "geometry3k", "mathverse", "mathvista", "mmmu", "scienceqa",
  ]

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Examples/benchmarks").standardizedFileURL

  @Test("each spec gives the rewards that its rollouts expect", arguments: names)
  func rewards(name: String) throws {
    let sandbox = try Sandbox()
    for file in ["\(name).json", "\(name).jsonl"] {
      try sandbox.write(file, String(contentsOf: Self.folder.appending(path: file), encoding: .utf8))
    }
    try sandbox.output("shuffle-r1 run \(name).json --quiet --output out")
    struct Scored: Decodable {
      let id: String
      let reward: Double?
      let expected: Double
    }
    let scored = try sandbox.text("out/scored.jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(Scored.self, from: Data($0.utf8))
    }
    #expect(scored.count >= 3 && Set(scored.map(\.expected)) == [0, 1])
    for one in scored { #expect(one.reward == one.expected, "\(one.id)") }
  }

  @Test("every spec of the folder is tested, and the guide names it")
  func complete() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(files.filter { $0.hasSuffix(".json") }.sorted() == Self.names.map { "\($0).json" }.sorted())
    let guide = Self.folder.appending(path: "../../Sources/PipelineCore/PipelineCore.docc/Rewards.md")
      .standardizedFileURL
    let text = try String(contentsOf: guide, encoding: .utf8)
    for name in Self.names { #expect(text.contains("`\(name).json`"), "\(name)") }
  }
}
