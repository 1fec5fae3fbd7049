// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Bytes to be written to a child.
struct PendingWrite: Sendable {
  let ticket: Int
  let bytes: [UInt8]
  let deadline: ContinuousClock.Instant?
  /// The task that waits until they are written; nil if none does.
  let continuation: CheckedContinuation<Void, any Error>?
  var written = 0
}

/// A request for output of a child.
struct PendingRead: Sendable {
  /// How much is requested.
  enum Amount: Sendable {
    /// Up to the next line end.
    case line(limit: Int)
    /// Up to the last line end that is there.
    case lines(limit: Int)
    /// This many bytes.
    case exactly(Int)

    /// How many bytes must be buffered to serve it.
    var room: Int {
      switch self {
      case .line(let limit), .lines(let limit): limit + 1
      case .exactly(let count): count
      }
    }
  }

  let ticket: Int
  let amount: Amount
  let deadline: ContinuousClock.Instant?
  let continuation: CheckedContinuation<[UInt8]?, any Error>
}

/// Output of a child that has not been read yet.
struct OutputBuffer: Sendable {
  private var bytes: [UInt8] = []
  private var start = 0
  /// Up to here there is no line end.
  private var searched = 0
  /// Whether nothing more will come.
  var isEnded = false

  /// The number of buffered bytes.
  var count: Int { bytes.count - start }

  mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

  /// The requested output, if it has arrived.
  enum Found {
    case bytes([UInt8])
    case nothingYet
    case end
  }

  /// Takes the requested output.
  ///
  /// - Throws: ``ChildFailure`` if it will never arrive.
  mutating func take(_ amount: PendingRead.Amount) throws -> Found {
    switch amount {
    case .exactly(let wanted):
      if count >= wanted { return .bytes(remove(wanted, andDrop: 0)) }
      if !isEnded { return .nothingYet }
      if count > 0 { throw ChildFailure.closed }
      return .end
    case .line(let limit), .lines(let limit):
      let from = max(start, searched)
      if var end = lineEnd(from: from) {
        if end - start > limit { throw ChildFailure.tooLong(bytes: limit) }
        if case .lines = amount { end = lastLineEnd() }
        return .bytes(remove(end - start, andDrop: 1))
      }
      searched = bytes.count
      if count > limit { throw ChildFailure.tooLong(bytes: limit) }
      if !isEnded { return .nothingYet }
      return count > 0 ? .bytes(remove(count, andDrop: 0)) : .end
    }
  }

  private func lineEnd(from: Int) -> Int? {
    bytes.withUnsafeBytes { all in
      guard from < all.count, let base = all.baseAddress,
        let found = memchr(base + from, Int32(UInt8(ascii: "\n")), all.count - from)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  private func lastLineEnd() -> Int {
    bytes.lastIndex(of: UInt8(ascii: "\n")) ?? start
  }

  private mutating func remove(_ length: Int, andDrop extra: Int) -> [UInt8] {
    if start == 0, length == bytes.count {
      defer { reset() }
      return bytes
    }
    let taken = Array(bytes[start..<start + length])
    start += length + extra
    if start == bytes.count {
      reset()
    } else if start > 1 << 16, start > bytes.count / 2 {
      bytes.removeFirst(start)
      searched = max(0, searched - start)
      start = 0
    }
    return taken
  }

  private mutating func reset() {
    bytes = []
    start = 0
    searched = 0
  }
}
