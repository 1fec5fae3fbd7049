// SPDX-License-Identifier: Apache-2.0
import ModelInput
import PipelineCore
import Testing
import WorkerPlugin

@Suite("The options of a policy in another process", .timeLimit(.minutes(15)))
struct WorkerOptionsTests {
  private func problems(_ change: (inout WorkerPolicyBackend.Options) -> Void) throws -> [String] {
    var options = WorkerPolicyBackend.Options()
    options.model = SpecPath("model")
    change(&options)
    return try options.allProblems().map { "\($0.path) \($0.message)" }
  }

  @Test("the defaults lack a model and nothing else")
  func defaults() throws {
    #expect(WorkerPolicyBackend.Options().problems().map(\.path) == ["model"])
    #expect(try problems { _ in }.isEmpty)
  }

  @Test("a worker is started here, or elsewhere")
  func places() throws {
    #expect(
      try problems { $0.connect = "node7" } == ["connect is 'node7', it must be host:port or unix:PATH"])
    #expect(try problems { $0.connect = "[::1]:7001" }.isEmpty)
    #expect(try problems { $0.connect = "unix:/tmp/w" }.isEmpty)
    #expect(
      try problems {
        $0.connect = "node7:7001"
        $0.command = ["ssh", "node7"]
      } == ["connect names a worker that runs, and 'command' starts one; leave one out"])
    #expect(
      try problems {
        $0.ranks = 2
        $0.command = ["ssh", "node7"]
      } == ["ranks is 2, but 'command' or 'connect' has a worker that starts its ranks by itself"])
  }

  @Test("bounds of images have limits")
  func pixels() throws {
    #expect(
      try problems { $0.minPixels = .pixels(0) } == ["min_pixels is 0, it must lie in 1…64000000"])
    #expect(
      try problems {
        $0.minPixels = .pixels(784)
        $0.maxPixels = .pixels(100)
      } == ["min_pixels is 784, it must not be more than max_pixels, 100"])
  }

  @Test("numbers have limits")
  func numbers() throws {
    #expect(
      try problems {
        $0.ranks = 0
        $0.rowsPerMicroBatch = 0
        $0.lora.rank = -1
        $0.generation.rowsAtOnce = 0
        $0.generation.memoryShare = 1
        $0.limits.silence = 0
      } == [
        "lora.rank is -1, it must be 0 or more", "generation.rows_at_once is 0, it must be at least 1",
        "generation.memory_share is 1.0, it must lie between 0 and 1", "limits.silence is 0.0, it must be more than 0",
        "rows_per_micro_batch is 0, it must be at least 1", "ranks is 0, it must be at least 1",
      ])
    #expect(
      try problems {
        $0.generation.engine = .vllm
        $0.lora.rank = 8
        $0.ranks = 8
        $0.generation.tensorParallel = 4
      } == [])
    #expect(
      try problems {
        $0.generation.engine = .vllm
        $0.ranks = 8
        $0.generation.tensorParallel = 3
      } == ["generation.tensor_parallel is 3, which does not divide the 8 ranks"])
    #expect(
      try problems { $0.generation.tensorParallel = 2 } == [
        "generation.tensor_parallel is 2, which is for vllm: transformers shares by 'sharding'",
        "generation.tensor_parallel is 2, which does not divide the 1 ranks",
      ])
  }
}
