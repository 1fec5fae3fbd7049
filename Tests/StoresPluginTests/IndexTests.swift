// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Testing

@Suite("The index of stored trajectories", .timeLimit(.minutes(15)), .serialized)
struct IndexTests {
  private func trajectories(_ numbers: Range<Int>, prompts: Int) -> [Trajectory] {
    numbers.map { number in
      let prompt = "geometry3k-train-\(10_000_000 + number % prompts)"
      var trajectory = Trajectory(
        id: "\(prompt)/\(number / prompts % 16)", group: prompt, reward: Double(number % 10) / 10)
      trajectory.advantage = Double(number % 7) - 3
      trajectory.step = number / 512
      return trajectory
    }
  }

  @Test("it is what it was after entries left and it was saved, and says what left")
  func saved() async throws {
    let archive = MemoryArchive()
    var index = ReplayIndex()
    for step in 0..<6 {
      let stored = trajectories(step * 40..<(step + 1) * 40, prompts: 13)
      try index.add(stored, at: archive.append(stored, toFile: step / 2), step: step, source: step % 2)
      #expect(index.remove((0..<40).filter { $0 % 3 == step % 3 }.map { step * 40 + $0 } + [100_000]) > 0)
    }
    _ = index.trim(to: ReplayCapacity(total: 90, perPrompt: 8))
    #expect(index.count == 90)
    #expect(index.numbers == index.numbers.sorted())
    let json = try JSONValue(parsing: index.saved.json)
    let again = try await ReplayIndex(saved: json, archive: archive)
    #expect(again.numbers == index.numbers)
    #expect(again.saved == index.saved)
    #expect(again.files == index.files)
    var met = 0
    for prompt in Set(index.numbers.compactMap { index[$0]?.group }) {
      let numbers = index.numbers(of: prompt)
      #expect(numbers == index.numbers.filter { index[$0]?.group == prompt })
      #expect(again.numbers(of: prompt) == numbers)
      #expect(numbers.count <= 8)
      met += numbers.count
    }
    #expect(met == 90)
    for number in index.numbers {
      #expect(again[number] == index[number])
      #expect(index.advantage(of: number) == Double(number % 7) - 3)
    }
    #expect(index.numbers(admittedBefore: 5) == index.numbers.filter { (index.admitted(of: $0) ?? 9) < 5 })
    #expect(index[0] == nil && index.reward(of: 100_000) == nil)
    // Numbers are not given out again, even where the newest have left.
    var emptied = again
    emptied.remove(emptied.numbers)
    #expect(emptied.files.isEmpty)
    let empty = try await ReplayIndex(saved: emptied.saved, archive: archive)
    let more = trajectories(0..<1, prompts: 1)
    var (left, right) = (emptied, empty)
    for place in [archive.append(more, toFile: 9)] {
      try left.add(more, at: place, step: 9)
      try right.add(more, at: place, step: 9)
    }
    #expect(left.numbers == [240] && right.numbers == [240])
  }

  @Test(
    "a state that is none is refused",
    arguments: ["{}", #"{"next": 1, "blocks": [[0]]}"#, #"{"next": -1, "blocks": []}"#])
  func damaged(_ text: String) async {
    await #expect(throws: PipelineError.self) {
      _ = try await ReplayIndex(saved: try JSONValue(parsing: text), archive: MemoryArchive())
    }
  }
}
