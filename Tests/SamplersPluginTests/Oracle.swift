// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import Testing

/// Numbers of a published program, with how they were made.
struct Oracle {
  private let cases: [JSONValue]

  init(_ name: String) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    let text = try String(contentsOf: folder.appending(path: name + ".json"), encoding: .utf8)
    cases = try JSONValue(parsing: text)["cases"]?.arrayValue ?? []
  }

  /// The cases whose names begin so; there must be one.
  func cases(_ prefix: String) throws -> [JSONValue] {
    let found = cases.filter { $0["case"]?.stringValue?.hasPrefix(prefix) ?? false }
    try #require(!found.isEmpty)
    return found
  }
}

extension JSONValue {
  func number(_ key: String) throws -> Double { try #require(self[key]?.doubleValue) }
  func integer(_ key: String) throws -> Int { try #require(self[key]?.intValue) }
  func list(_ key: String) throws -> [JSONValue] { try #require(self[key]?.arrayValue) }
  func numbers(_ key: String) throws -> [Double] { try list(key).map { try #require($0.doubleValue) } }
  func integers(_ key: String) throws -> [Int] { try list(key).map { try #require($0.intValue) } }
}

/// A sampler over a pool, as a run drives it.
struct Driven<Sampler: PromptSampler> {
  let sampler: Sampler
  let pool: PromptPool
  var memory: SamplerMemory
  var step = 0
  var seed: UInt64 = 17
  private(set) var report = StageReport()

  init(_ sampler: Sampler, prompts: Int, difficulties: [Double]? = nil, isShuffled: Bool = false, seed: UInt64 = 17) {
    self.sampler = sampler
    self.seed = seed
    pool = PromptPool(
      ids: (0..<prompts).map { "p\($0)" }, numbers: difficulties.map { [Field("difficulty"): $0] } ?? [:],
      isShuffled: isShuffled, seed: seed)
    memory = SamplerMemory(count: prompts)
  }

  func context(attempt: Int = 0) -> SamplerContext {
    SamplerContext(sampler: Sampler.name, step: step, attempt: attempt, seed: seed, report: report)
  }

  @discardableResult
  mutating func choose(_ count: Int, excluding excluded: Set<Int> = []) async throws -> [Int] {
    report = StageReport()
    return try await sampler.choose(count, excluding: excluded, from: pool, memory: &memory, in: context()).map(\.index)
  }

  mutating func observe(_ rewards: [Int: [Double]]) async throws {
    let results = rewards.map { GroupResult(index: $0, rewards: $1) }.sorted { $0.index < $1.index }
    try await sampler.observe(results, of: pool, memory: &memory, in: context())
    step += 1
  }

  mutating func probe() async throws -> PromptProbe? {
    try await sampler.probe(pool, memory: &memory, in: context())
  }

  mutating func learn(_ results: [GroupResult]) async throws {
    try await sampler.learn(from: results, of: pool, memory: &memory, in: context())
  }

  func metric(_ name: String) -> Double? { report.metrics.first { $0.name == name }?.value }
}

/// Whether a frequency agrees with a probability: within five standard errors of the sampling, of both where the probability is one.
func agrees(_ found: Double, _ expected: Double, trials: Int, expectedTrials: Int? = nil) -> Bool {
  let p = min(max(expected, 1e-4), 1 - 1e-4)
  let variance = p * (1 - p) * (1 / Double(trials) + (expectedTrials.map { 1 / Double($0) } ?? 0))
  return (found - expected).magnitude <= 5 * variance.squareRoot()
}
