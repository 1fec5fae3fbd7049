// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing

@Suite("What a trajectory is kept in", .timeLimit(.minutes(15)))
struct StoredValuesTests {
  @Test("every value comes out as it went in, and leaves again")
  func values() {
    var stored = Trajectory.StoredValues()
    for number in [0, -0.0, 1.5, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] {
      (stored.reward, stored.advantage, stored.baseline, stored.lossWeight) = (number, -number, number, -number)
      #expect(stored.reward?.bitPattern == number.bitPattern && stored.advantage == -number)
      #expect(stored.baseline == number && stored.lossWeight == -number)
    }
    stored.reward = .nan
    #expect(stored.reward?.isNaN == true)
    for number in [0, 7, -1, Int(Int32.max), Int(Int32.min), Int(Int32.max) + 1, .max, .min] {
      (stored.step, stored.batch) = (number, number)
      #expect(stored.step == number && stored.batch == number)
    }
    stored.advantages = [1, 2]
    #expect(stored.advantages == [1, 2] && stored.step == .min && stored.batch == .min)
    (stored.reward, stored.advantage, stored.baseline, stored.lossWeight) = (nil, nil, nil, nil)
    (stored.step, stored.batch, stored.advantages) = (nil, nil, nil)
    #expect(stored.reward == nil && stored.advantage == nil && stored.baseline == nil && stored.lossWeight == nil)
    #expect(stored.step == nil && stored.batch == nil && stored.advantages == nil)
  }

  @Test("it is small, since there is one for each trajectory of a batch")
  func size() {
    #expect(MemoryLayout<Trajectory.StoredValues>.size <= 88)
    #expect(MemoryLayout<Record>.size <= 32)
  }

  @Test("packed members are found again, at any length and with any fields")
  func members() throws {
    var builder = RecordChunk.Builder()
    let places: [[(field: Int, value: Range<Int>)]] = [
      [],
      [(0, 6..<8), (1, 20..<147), (6, 300..<428)],
      [(0, 6..<8), (1, 21..<149), (6, 20_000..<2_100_000)],
      [(6, 1..<1), (3, 70_000_000..<900_000_000)],
    ]
    let lines = places.map { line in
      line.map { RecordMember(fieldIndex: $0.field, value: $0.value, holdsNonFinite: false) }
    }
    let unusual = [RecordMember(fieldIndex: 9, value: 4..<9, holdsNonFinite: true)]
    let packed = lines.map { builder.add($0, holdsNonFinite: false) } + [builder.add(unusual, holdsNonFinite: true)]
    let chunk = RecordChunk(storage: MemoryRecordStorage([]), members: builder)
    for (line, members) in zip(lines + [unusual], packed) {
      let record = Record(chunk: chunk, offset: 0, byteCount: 0, lineInChunk: 0, members: members)
      #expect(record.members.map(\.value) == line.map(\.value))
      #expect(record.members.map(\.fieldIndex) == line.map(\.fieldIndex))
      #expect(record.holdsNonFinite == line.contains { $0.holdsNonFinite })
      for index in Field.reserved.indices {
        let expected = line.first { $0.fieldIndex == index }
        #expect(record.member(ofReserved: index)?.value == expected?.value)
        #expect(record.member(ofReserved: index)?.holdsNonFinite == expected?.holdsNonFinite)
      }
    }
  }
}
