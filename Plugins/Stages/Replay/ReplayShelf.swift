// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a replay stage remembers from step to step.
struct ReplayShelf: Sendable {
  /// A new file begins behind this many bytes.
  private static let fileSize = 64 << 20

  var index = ReplayIndex()
  var memory = ReplayMemory()
  /// Whether rollouts of other runs are in it.
  var hasBegun = false
  /// The trajectories of the batch that came first, by which stores that go by it set their capacity.
  let batchCount: Int
  /// The number of the file that is written to.
  private(set) var file = 0
  /// The files that hold something, or did when the step began.
  private var files: Set<Int> = []

  private init(batchCount: Int) { self.batchCount = batchCount }

  /// What the stage's memory holds; an empty one at first.
  ///
  /// - Throws: When it cannot be read.
  static func open(_ context: StageContext, batchCount: Int) async throws -> ReplayShelf {
    let memory = context.training.memory
    if let known = memory.derived as? ReplayShelf {
      // The only copy is the one that is changed.
      memory.derived = nil
      return known
    }
    guard let json = memory.value else { return ReplayShelf(batchCount: batchCount) }
    let plausible = 0...(1 << 48)
    guard let first = json["batch"]?.intValue, plausible.contains(first), let file = json["file"]?.intValue,
      plausible.contains(file), let index = json["index"],
      let values = json["store"]?.objectValue
    else {
      throw PipelineError(
        .invalidData,
        "what the run's state says of stage '\(context.stage)' cannot be read; start anew with --overwrite")
    }
    context.training.progressed("reading what is stored", share: nil)
    var shelf = ReplayShelf(batchCount: first)
    shelf.index = try await ReplayIndex(saved: index, archive: context.archive)
    (shelf.memory, shelf.file, shelf.hasBegun) = (ReplayMemory(values), file, true)
    shelf.files = shelf.index.files
    return shelf
  }

  /// Writes trajectories, and notes them in the index.
  mutating func add(_ trajectories: [Trajectory], in context: StageContext, source: Int = 0) async throws {
    if trajectories.isEmpty { return }
    let block = try await context.archive.append(trajectories, toFile: file)
    files.insert(file)
    try index.add(trajectories, at: block, step: context.step, source: source)
    if block.end >= Self.fileSize { file += 1 }
  }

  /// Gives up the files in which nothing is left, and hands over what is to be remembered.
  mutating func save(to context: StageContext) async throws {
    let left = index.files
    for gone in files.subtracting(left).sorted() {
      try await context.archive.release(file: gone)
      // What is released is not written to again.
      if gone == file { file += 1 }
    }
    files = left
    let memory = context.training.memory
    memory.value = [
      "batch": .number(batchCount), "file": .number(file), "index": index.saved, "store": .object(self.memory.values),
    ]
    memory.derived = self
  }
}
