// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import CKernels
import Foundation
import ModelInput
import PipelineCore

/// Times rollouts, log-probabilities and an update, for Tests/Benchmarks/policy.
struct BenchmarkProbe {
  private let folder: String
  private let threads: Int
  private let clock = ContinuousClock()

  init(_ arguments: [String]) throws {
    folder = arguments[1]
    threads = arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1
  }

  func run() async throws {
    let text = try String(contentsOfFile: folder + "/work.json", encoding: .utf8)
    let work = try JSONValue(parsing: text)
    var options = BundledPolicy.Options()
    options.threads = threads
    let policy = try BundledPolicy(folder: folder + "/model", options: options)
    let prompts = (work["prompts"]?.arrayValue ?? []).map { prompt in
      EncodedPrompt(
        tokens: integers(prompt["tokens"]),
        images: (prompt["images"]?.arrayValue ?? []).compactMap(\.stringValue).map { ImageReference($0) },
        folder: folder)
    }
    let responses = (work["responses"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).map { integers($0) } }
    let advantages = (work["advantages"]?.arrayValue ?? []).map {
      ($0.arrayValue ?? []).compactMap(\.doubleValue).map { Float($0) }
    }
    let groups = zip(prompts, responses).map { ResponseGroup(prompt: $0, responses: $1) }
    let tokens = responses.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } }
    // Two operations for each weight and row; the way back takes twice as many as the way there.
    let parameters = await policy.facts.parameterCount
    let rows = groups.reduce(0) { $0 + $1.prompt.tokens.count + $1.responses.reduce(0) { $0 + $1.count } }
    let forward = 2.0 * Double(parameters) * Double(rows)
    var report: [JSONValue.Member] = []

    func timed(_ name: String, flops: Double, _ body: () async throws -> Void) async rethrows {
      let (started, used) = (clock.now, processorSeconds())
      try await body()
      let seconds = (clock.now - started) / .seconds(1)
      let processor = processorSeconds() - used
      report.append(
        .init(
          name,
          [
            "seconds": .number(seconds), "cpu_seconds": .number(processor), "tokens": .number(tokens),
            "flops": .number(flops), "rss": .number(peak()),
          ]))
    }

    var sampling = SamplingOptions()
    sampling.maxTokens = work["new_tokens"]?.intValue ?? 32
    sampling.minTokens = sampling.maxTokens
    let requests = prompts.enumerated().map { index, prompt in
      GenerationRequest(prompt: prompt, seeds: (0..<responses[index].count).map { UInt64(index * 1000 + $0) })
    }
    try await timed("generate", flops: forward) {
      _ = try await policy.generate(requests, sampling: sampling, progress: { _ in })
    }
    var old: [[[Float]]] = []
    try await timed("log_probs", flops: forward) { old = try await policy.logProbs(of: groups, temperature: 1) }
    let before = old
    try await timed("update", flops: 3 * forward) {
      try await policy.accumulate(groups, temperature: 1) { place, new in
        let advantage = advantages[place.group][place.response]
        return zip(new, before[place.group][place.response]).map { new, old in
          let ratio = exp(new - old)
          let isClipped = advantage > 0 ? ratio > 1.2 : ratio < 0.8
          return isClipped ? 0 : -advantage * ratio / Float(tokens)
        }
      }
      _ = try await policy.step(OptimizerStep(learningRate: 1e-6))
    }
    report.append(.init("check", .number(Double(old[0][0][0]))))
    report.append(.init("gflops", .number(matrixProducts())))
    report.append(.init("instruction_set", .string(String(cString: ck_instruction_set()))))
    print(JSONValue.object(report).json)
  }

  private func integers(_ value: JSONValue?) -> [Int32] {
    (value?.arrayValue ?? []).compactMap(\.intValue).map { Int32($0) }
  }

  /// What is done of large products on all threads at once, in 10^9 operations a second.
  private func matrixProducts() -> Double {
    let size = 1536
    let matrices = (0..<2 + threads).map { _ in
      UnsafeMutableBufferPointer<Float>.allocate(capacity: size * size)
    }
    for matrix in matrices { matrix.initialize(repeating: 0.5) }
    nonisolated(unsafe) let shared = matrices
    defer { for matrix in matrices { matrix.deallocate() } }
    var best = 0.0
    for _ in 0..<5 {
      let started = clock.now
      DispatchQueue.concurrentPerform(iterations: threads) { index in
        ck_gemm(
          CK_FLOAT, false, true, size, size, size, 1, shared[0].baseAddress, size, shared[1].baseAddress, size, 0,
          shared[2 + index].baseAddress, size)
      }
      let seconds = (clock.now - started) / .seconds(1)
      best = max(best, Double(threads) * 2 * Double(size * size * size) / seconds / 1e9)
    }
    return best
  }

  /// The time of all processors that this process has used.
  private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The most memory used so far, in bytes.
  ///
  /// Not `ru_maxrss`, which on Linux begins with what the parent process had.
  private func peak() -> Double {
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
