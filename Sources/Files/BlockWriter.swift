// SPDX-License-Identifier: Apache-2.0

/// Writes bytes to the end of a file in blocks.
///
/// Full blocks go past the system's cache (``DirectWrites``); what is flushed before it fills a block, which is all of small
/// files, goes through it.
struct BlockWriter {
  /// The number of bytes, with those that are still gathered.
  private(set) var end: UInt64
  /// Whether the system has all of them.
  private(set) var isFlushed = true
  private let descriptor: FileDescriptor
  private let direct: DirectWrites
  /// Where in the file the block begins.
  private var start: UInt64
  /// What lies before is written, or on its way.
  private var written: UInt64
  private var block: WriteBlock?
  /// The block that is on its way, or was the last one.
  private var other: WriteBlock?
  /// What was written through the cache since the system was last told to bring some to the disk.
  private var waiting: Range<UInt64>

  /// So many bytes are brought to the disk while more are made, so that little is left to wait for at the end.
  private static let startSize = 16 << 20

  /// Goes on at the end of a file.
  init(_ descriptor: FileDescriptor, at end: UInt64) {
    self.descriptor = descriptor
    direct = DirectWrites(descriptor)
    (self.end, written, waiting) = (end, end, end..<end)
    start = Self.blockStart(end)
  }

  /// Where a block begins that goes on at the end of a file.
  private static func blockStart(_ end: UInt64) -> UInt64 { end - end % UInt64(WriteBlock.alignment) }

  /// The number of bytes that are written, or on their way.
  var writtenCount: UInt64 { written }

  /// Adds bytes.
  mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    if !rest.isEmpty { isFlushed = false }
    while !rest.isEmpty {
      if end - start == WriteBlock.size { try writeBlock() }
      let block = self.block ?? WriteBlock()
      self.block = block
      let place = Int(end - start)
      let part = rest.prefix(WriteBlock.size - place)
      UnsafeMutableRawBufferPointer(rebasing: block.bytes[place...]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: part))
      end += UInt64(part.count)
      rest = rest[part.endIndex...]
    }
  }

  /// Writes what is gathered, and waits until the system has it.
  mutating func flush() throws {
    try direct.finish()
    try writeThroughCache(to: end)
    start = Self.blockStart(end)
    isFlushed = true
  }

  /// What was written is on the disk.
  mutating func synchronized() { waiting = written..<written }

  /// Writes a full block; the page of which a flush has written the beginning goes the same way as that.
  private mutating func writeBlock() throws {
    if let block, direct.isPossible {
      let page = UInt64(WriteBlock.alignment)
      let firstWhole = start + (written - start + page - 1) / page * page
      if firstWhole > written {
        try direct.finish()
        try writeThroughCache(to: firstWhole)
      }
      try direct.write(block, from: Int(firstWhole - start), at: firstWhole)
      written = end
      // The one before this is written, so that its memory is free.
      (self.block, other) = (other, block)
    } else {
      try direct.finish()
      try writeThroughCache(to: end)
    }
    start = end
  }

  private mutating func writeThroughCache(to place: UInt64) throws {
    guard place > written, let block else { return }
    try descriptor.write(
      UnsafeRawBufferPointer(rebasing: block.bytes[Int(written - start)..<Int(place - start)]), at: written)
    waiting = (waiting.upperBound == written ? waiting.lowerBound : written)..<place
    written = place
    if waiting.count >= Self.startSize {
      descriptor.startSynchronizing(waiting)
      waiting = place..<place
    }
  }
}
