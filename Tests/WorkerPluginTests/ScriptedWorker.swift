// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import PipelineTesting
import WorkerPlugin

/// The pipeline's side with `Fixtures/scripted_worker.py` on the other.
enum ScriptedWorker {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let model = root.appendingPathComponent("Examples/easy-vqa/model").path

  /// Options that start it.
  static func options(_ behaviour: String, _ change: (inout WorkerPolicyBackend.Options) -> Void = { _ in })
    -> WorkerPolicyBackend.Options
  {
    var options = WorkerPolicyBackend.Options()
    options.model = SpecPath(model)
    let script = root.appendingPathComponent("Tests/WorkerPluginTests/Fixtures/scripted_worker.py").path
    options.command = ["python3", script, behaviour]
    // On a busy machine a test may wait long for its turn.
    options.limits.start = 3000
    change(&options)
    return options
  }

  /// A policy on top of it.
  static func open(
    _ behaviour: String = "good", _ change: (inout WorkerPolicyBackend.Options) -> Void = { _ in }
  ) async throws -> WorkerPolicy {
    let backend = WorkerPolicyBackend(options: options(behaviour, change), assembly: .plain())
    return try await backend.worker(PolicyOpening(purpose: .training))
  }

  /// A model's folder of a family that only the worker knows.
  static func unknownFamily() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("family-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let config = #"{"model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"], "max_position_embeddings": 256}"#
    try config.write(to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
    return folder.path
  }

  /// What the policy refuses with, or nil where it does not.
  static func failure(_ body: () async throws -> Void) async -> PipelineError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? PipelineError ?? PipelineError(.plugIn, "another error: \(error)")
    }
  }

  static let groups = [
    ResponseGroup(prompt: EncodedPrompt(tokens: [1, 2, 3]), responses: [[10, 11], [], [12]]),
    ResponseGroup(prompt: EncodedPrompt(tokens: [4]), responses: [[13, 14, 15]]),
  ]
}
