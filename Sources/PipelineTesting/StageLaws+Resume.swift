// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

extension StageLaws {
  /// Stops a stage at every item of every batch, goes on with another copy of it that has only what was saved, and throws
  /// unless everything is as if nothing had been.
  ///
  /// What was saved is the stage's ``PipelineCore/StageMemory`` as it was after the last whole batch, as a run keeps it, and what
  /// it has written to the archive.
  /// ```swift
  /// try await StageLaws.resumes(on: batches) { try CountingStage(options: .init(), assembly: assembly) }
  /// ```
  ///
  /// - Parameters:
  ///   - batches: The batches of a run, in order.
  ///   - dying: What the stage gets in the place of a batch when it stops at an item: by default the batch up to it. A test of
  ///     a program marks the item so that the program ends there.
  ///   - make: Makes a copy, as a process that has just begun does.
  /// - Throws: ``LawViolation``; what the stage throws on a whole batch.
  public static func resumes(
    on batches: [TrajectoryBatch],
    dying: (_ batch: TrajectoryBatch, _ item: Int) -> TrajectoryBatch = { batch, item in
      TrajectoryBatch(Array(batch.trajectories.prefix(item)), number: batch.number)
    }, stage make: () throws -> any Stage
  ) async throws {
    let whole = try make()
    let memory = StageMemory()
    let archive = MemoryArchive()
    var saved: [JSONValue?] = [nil]
    var expected: [Account] = []
    for (step, batch) in batches.enumerated() {
      expected.append(try await account(of: whole, batch, step: step, memory, archive))
      saved.append(memory.value)
    }
    await whole.close()
    var book = LawBook(subject: "stage '\(type(of: whole).name)'")
    for (stop, batch) in batches.enumerated() {
      for item in 0...batch.count {
        let before = try make()
        // What becomes of it is lost with the process.
        _ = try? await account(of: before, dying(batch, item), step: stop, StageMemory(saved[stop]), archive)
        await before.close()
        let after = try make()
        let memory = StageMemory(saved[stop])
        for step in stop..<batches.count {
          let found = try await account(of: after, batches[step], step: step, memory, archive)
          if found != expected[step] {
            book.breaks(
              "a stage that is stopped goes on as if nothing had been",
              "stopped at item \(item) of batch \(stop), it gives something else for batch \(step); what it remembers from "
                + "batch to batch belongs into the context's memory")
            break
          }
        }
        await after.close()
      }
    }
    try book.verdict()
  }

  /// What a stage made of a batch.
  private struct Account: Equatable {
    let kept: [TrajectorySnapshot]
    let dropped: [String]
  }

  private static func account(
    of stage: any Stage, _ batch: TrajectoryBatch, step: Int, _ memory: StageMemory, _ archive: MemoryArchive
  ) async throws -> Account {
    var copy = batch
    let context = StageContext(
      stage: type(of: stage).name, step: step, seed: 17, training: TrainingContext(memory: memory),
      archive: archive)
    try await stage.run(&copy, in: context)
    return Account(
      kept: copy.trajectories.map(TrajectorySnapshot.init),
      dropped: copy.drops.map { "\($0.trajectory.id) \($0.rule)" })
  }
}
