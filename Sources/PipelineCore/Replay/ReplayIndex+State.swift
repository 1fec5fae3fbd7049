// SPDX-License-Identifier: Apache-2.0

extension ReplayIndex {
  /// For a run's state: where the blocks are, and which of their entries have left; all else is in the archive.
  package var saved: JSONValue {
    [
      "next": .number(next),
      "blocks": .array(
        blocks.map { block in
          .array(
            [
              block.place.file, block.place.offset, block.place.bytes, block.place.count, block.first, block.admitted,
              block.source,
            ].map { .number($0) } + (block.left == block.place.count ? [] : [.string(Self.digits(of: block.gone))]))
        }),
    ]
  }

  /// Reads ``saved`` with what the archive holds.
  ///
  /// - Throws: When a value has the wrong type, or the archive is another one.
  package init(saved json: JSONValue, archive: any TrajectoryArchive) async throws {
    self.init()
    guard let number = json["next"]?.intValue, Self.plausible.contains(number), let blocks = json["blocks"]?.arrayValue
    else {
      throw Self.unreadable()
    }
    for entry in blocks {
      guard let block = Block(entry), block.first >= next else { throw Self.unreadable() }
      let trajectories = try await archive.trajectories(of: block.place, at: Array(0..<block.place.count))
      guard trajectories.count == block.place.count else { throw Self.unreadable() }
      try add(trajectories, to: block)
    }
    guard number >= next else { throw Self.unreadable() }
    skip(to: number)
  }

  /// What numbers of a saved index may be: sums of them are numbers too.
  fileprivate static let plausible = 0...(1 << 48)

  private static func unreadable() -> PipelineError {
    PipelineError(
      .invalidData,
      "what the run's state says of stored trajectories cannot be read; start anew with --overwrite")
  }

  /// Bits as hexadecimal digits.
  private static func digits(of bits: [UInt8]) -> String {
    bits.map { (UInt16($0) + 256) }.map { String($0, radix: 16).dropFirst() }.joined()
  }
}

extension ReplayIndex.Block {
  fileprivate init?(_ json: JSONValue) {
    guard let members = json.arrayValue, (7...8).contains(members.count) else { return nil }
    let numbers = members.prefix(7).compactMap(\.intValue)
    guard numbers.count == 7, numbers.allSatisfy(ReplayIndex.plausible.contains) else { return nil }
    // A block is of one batch, and no line takes less than half a byte; a larger count would only ask for memory.
    guard numbers[3] <= min(2 * numbers[2], 1 << 24) else { return nil }
    self.init(
      place: ArchiveBlock(file: numbers[0], offset: numbers[1], bytes: numbers[2], count: numbers[3]),
      first: numbers[4], admitted: numbers[5], source: numbers[6])
    guard members.count == 8 else { return }
    guard let digits = members[7].stringValue.map({ Array($0.utf8) }), digits.count == 2 * gone.count else {
      return nil
    }
    for index in gone.indices {
      guard let byte = UInt8(String(decoding: digits[2 * index..<2 * index + 2], as: UTF8.self), radix: 16) else {
        return nil
      }
      gone[index] = byte
    }
    left = (0..<place.count).count { !isGone($0) }
  }
}
