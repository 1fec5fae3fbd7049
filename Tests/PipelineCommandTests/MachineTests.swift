// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

/// Runs that are resumed on another kind of machine, as other kernels on this one make it.
@Suite("A run knows the machine that it was started on", .timeLimit(.minutes(15)), .ownThreads)
struct MachineTests {
  let sandbox: Sandbox
  private static let run = "shuffle-r1 run simple.json -q -o out"

  private static var isIntel: Bool {
    #if arch(x86_64)
      true
    #else
      false
    #endif
  }

  init() throws { sandbox = try Sandbox.withTraining() }

  @Test("resolved.json says how results are rounded")
  func recorded() throws {
    try sandbox.output("\(Self.run) --set training.steps=2")
    let machine = try JSONValue(parsing: sandbox.text("out/resolved.json"))["provenance"]?["machine"]
    #expect(["x86_64", "aarch64"].contains(machine?["architecture"]?.stringValue))
    #expect(["fused", "rounded"].contains(machine?["arithmetic"]?.stringValue))
  }

  @Test("every set of kernels with a fused multiply-add gives the same bytes")
  func sameBytes() throws {
    let sets = try ["avx2", "avx512"].filter {
      try sandbox.run("SHUFFLE_R1_KERNELS=\($0) \(Self.run) --set training.steps=2 --overwrite").status == 0
    }
    guard sets.count == 2 else { return }
    try sandbox.output("SHUFFLE_R1_KERNELS=avx2 \(Self.run)/narrow --set training.steps=3")
    try sandbox.output("SHUFFLE_R1_KERNELS=avx512 \(Self.run)/wide --set training.steps=3")
    for file in [
      "lineage.jsonl", "metrics.jsonl", "selected.jsonl", "rollouts.jsonl.zst", "checkpoints/latest/model.safetensors",
    ] {
      #expect(try sandbox.run("cmp out/narrow/\(file) out/wide/\(file)").status == 0, "\(file)")
    }
  }

  @Test("kernels that round otherwise are refused by name, and accepted by name")
  func otherKernels() throws {
    // Another set than the best one needs a machine that has two.
    let best = try sandbox.output(
      "SHUFFLE_R1_KERNELS= \(Self.run) --set training.steps=2; grep arithmetic out/resolved.json")
    guard !best.contains(#""arithmetic": "rounded""#), Self.isIntel else { return }
    try sandbox.changeState(of: "out") { $0.replacing(#""finished":true"#, with: #""finished":false"#) }
    let before = sandbox.tree("out")
    let resume = "SHUFFLE_R1_KERNELS=portable \(Self.run) --set training.steps=2 --resume"
    let outcome = try sandbox.run(resume)
    #expect(outcome.status == 2)
    #expect(
      outcome.errors.hasPrefix(
        "shuffle-r1: error: this is another kind of machine than out was started on (machine: provenance.machine.arithmetic was "
      ))
    #expect(
      outcome.errors.hasSuffix(
        "so that its bytes would differ from here on; continue on one of that kind, or all the same with "
          + "--accept-changes=machine\n"))
    #expect(sandbox.tree("out") == before)
    try sandbox.output(resume + " --accept-changes=machine")
    #expect(sandbox.text("out/resolved.json").contains(#""arithmetic": "rounded""#))
  }

  @Test("a processor that multiplies bfloat16 samples otherwise where rollouts ask for it, and there alone")
  func bfloat16() throws {
    let run = "\(Self.run) --set policy.with.rollout_weights=bfloat16"
    try sandbox.output("SHUFFLE_R1_KERNELS=avx2 \(run) --set training.steps=2 || true")
    guard try sandbox.run("SHUFFLE_R1_KERNELS=avx512-bf16 \(Self.run)/exact --set training.steps=2").status == 0 else {
      return
    }
    try sandbox.changeState(of: "out") { $0.replacing(#""finished":true"#, with: #""finished":false"#) }
    let outcome = try sandbox.run("SHUFFLE_R1_KERNELS=avx512-bf16 \(run) --set training.steps=2 --resume")
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains(#"was "fused", is "fused, sampling in bfloat16""#), "\(outcome.errors)")
    try sandbox.output("SHUFFLE_R1_KERNELS=avx512 \(run) --set training.steps=2 --resume")
    try sandbox.output("SHUFFLE_R1_KERNELS=avx2 \(Self.run)/plain --set training.steps=2")
    #expect(sandbox.training(in: "out/plain") == sandbox.training(in: "out/exact"))
  }

  @Test("--accept-changes=machine accepts nothing else, and other words are refused")
  func nothingElse() throws {
    try sandbox.output("\(Self.run) --set training.steps=2")
    let other = "\(Self.run) --set training.steps=2 --set seed=99 --resume"
    #expect(try sandbox.run(other + " --accept-changes=machine").status == 2)
    #expect(try sandbox.run(other + " --accept-changes=everything").status == 2)
    #expect(
      try sandbox.run("\(Self.run) --accept-changes=machine").errors.contains("--accept-changes goes with --resume"))
    try sandbox.output(other + " --accept-changes")
  }

  @Test("files of a run follow the umask", arguments: ["077", "002", "027"])
  func umask(mask: String) throws {
    try sandbox.output("umask \(mask); \(Self.run) --set training.steps=2")
    let wanted = [(0o777, "d"), (0o666, "f")]
    for (whole, kind) in wanted {
      let expected = String(whole & ~(Int(mask, radix: 8) ?? 0), radix: 8)
      let modes = try sandbox.output("find out -type \(kind) ! -name .lock -printf '%m %p\\n'").split(separator: "\n")
      #expect(!modes.isEmpty)
      for mode in modes { #expect(mode.hasPrefix(expected + " "), "\(mode)") }
    }
  }
}
