// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What the stages of a run remember from step to step.
final class StageMemories {
  private var memories: [String: StageMemory] = [:]

  /// What a run's state kept of them; nil for nothing.
  init(_ saved: JSONValue?) {
    for member in saved?.objectValue ?? [] { memories[member.key] = StageMemory(member.value) }
  }

  /// The memory of a stage.
  subscript(name: String) -> StageMemory {
    let memory = memories[name] ?? StageMemory()
    memories[name] = memory
    return memory
  }

  /// All that is remembered, by stage.
  var json: JSONValue {
    .object(
      memories.sorted { $0.key < $1.key }.compactMap { name, memory in memory.value.map { .init(name, $0) } })
  }

  /// What the state of a run without a policy keeps: nothing where no stage remembers anything.
  var training: JSONValue { json == .object([]) ? .null : ["memory": json] }
}
