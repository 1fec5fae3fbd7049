// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import CKernels
import Foundation
import ModelInput
import PipelineCore

/// Times rollouts, log-probabilities and an update, for Tests/Benchmarks/policy, and says what share of the machine's limit
/// each reaches.
struct BenchmarkProbe {
  private let folder: String
  private let threads: Int
  private let clock = ContinuousClock()

  init(_ arguments: [String]) throws {
    folder = arguments[1]
    threads = arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1
  }

  func run() async throws {
    let work = try BenchmarkWork(folder: folder)
    var options = BundledPolicy.Options()
    options.threads = threads
    let policy = try BundledPolicy(folder: folder + "/model", options: options)
    let limits = MachineLimits(threads: threads)
    var report: [JSONValue.Member] = []
    var check = 0.0
    // The first round is what the peer does. The second, in memory that is there already, is compared with the limits.
    for round in ["first", "again"] {
      var parts: [JSONValue.Member] = []
      func timed(_ name: String, _ count: WorkCount, _ body: () async throws -> Void) async rethrows {
        let (started, processor) = (clock.now, Self.processorSeconds())
        try await body()
        let seconds = (clock.now - started) / .seconds(1)
        let (least, binds) = limits.seconds(count)
        parts.append(
          .init(
            name,
            [
              "seconds": .number(seconds), "processor_seconds": .number(Self.processorSeconds() - processor),
              "tokens": .number(work.tokens), "multiply_adds": .number(count.multiplyAdds),
              "bytes": .number(count.bytes), "limit_seconds": .number(least), "limit": .string(binds),
              "rss": .number(Self.peak()),
            ]))
        FileHandle.standardError.write(
          Data("\(round) \(name): \(seconds) s, \((100 * least / seconds).rounded()) % of the limit\n".utf8))
      }
      if round == "again" {
        try await timed("prefill", work.prefill) {
          _ = try await policy.generate(work.requests, sampling: work.sampling(1)) { _ in }
        }
      }
      try await timed("generate", work.prefill + work.decoding) {
        _ = try await policy.generate(work.requests, sampling: work.sampling(work.newTokens)) { _ in }
      }
      var old: [[[Float]]] = []
      try await timed("log_probs", work.scoring) { old = try await policy.logProbs(of: work.groups, temperature: 1) }
      if round == "first" { check = Double(old[0][0][0]) }
      let before = old
      try await timed("update", work.update) {
        try await policy.accumulate(work.groups, temperature: 1) { work.gradient($0, new: $1, old: before) }
        _ = try await policy.step(OptimizerStep(learningRate: 1e-6))
      }
      report.append(.init(round, .object(parts)))
    }
    report.append(.init("check", .number(check)))
    report.append(.init("limits", limits.json))
    report.append(.init("threads", .number(threads)))
    report.append(.init("instruction_set", .string(String(cString: ck_instruction_set()))))
    print(JSONValue.object(report).json)
  }

  /// The processor time of this process, all threads together.
  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The most memory used so far, in bytes.
  ///
  /// Not `ru_maxrss`, which on Linux begins with what the parent process had.
  private static func peak() -> Double {
    #if os(macOS)
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      return Double(usage.ru_maxrss)
    #else
      let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
      return Double(line.split(whereSeparator: { !$0.isNumber }).first ?? "0").map { $0 * 1024 } ?? 0
    #endif
  }
}
