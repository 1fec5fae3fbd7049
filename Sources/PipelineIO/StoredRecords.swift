// SPDX-License-Identifier: Apache-2.0
import CZstd
package import PipelineCore
import Synchronization

/// Trajectories as compressed lines that can be read again in parts: several Zstandard frames in a row, of a few lines each.
package enum StoredRecords {
  /// The lines of a frame, all of which are decompressed to read one of them.
  package static let linesPerFrame = 16

  /// A frame of lines, which says how long they are.
  package static func frame(of lines: [UInt8]) -> [UInt8] {
    let room = ZSTD_compressBound(lines.count)
    return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      count = ZSTD_compress(buffer.baseAddress, room, lines, lines.count, 3)
      precondition(ZSTD_isError(count) == 0, "the room is what the library asked for")
    }
  }

  /// The trajectories at some places among the lines of several frames.
  ///
  /// - Parameters:
  ///   - places: Counted from 0, ascending.
  ///   - file: Where the frames are; relative paths of images start from its folder.
  /// - Throws: When the bytes are not what ``frame(of:)`` made.
  package static func trajectories(at places: [Int], inFrames bytes: [UInt8], file: String) throws -> [Trajectory] {
    var found: [Trajectory] = []
    found.reserveCapacity(places.count)
    var (start, number, next) = (0, 0, 0)
    while next < places.count {
      guard start < bytes.count else { throw damaged(file) }
      let length = bytes[start...].withUnsafeBytes { ZSTD_findFrameCompressedSize($0.baseAddress, $0.count) }
      guard ZSTD_isError(length) == 0 else { throw damaged(file) }
      let first = number * linesPerFrame
      if places[next] < first + linesPerFrame {
        let lines = try trajectories(of: bytes[start..<start + length], file: file)
        while next < places.count, places[next] < first + linesPerFrame {
          guard places[next] - first < lines.count else { throw damaged(file) }
          found.append(lines[places[next] - first])
          next += 1
        }
      }
      start += length
      number += 1
    }
    return found
  }

  private static func trajectories(of frame: ArraySlice<UInt8>, file: String) throws -> [Trajectory] {
    let size = frame.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
    // What is no frame, or does not say its size, has one of the two largest numbers.
    guard size < UInt64(Int32.max) else { throw damaged(file) }
    var isWhole = false
    let lines = [UInt8](unsafeUninitializedCapacity: max(1, Int(size))) { buffer, count in
      let made = frame.withUnsafeBytes { ZSTD_decompress(buffer.baseAddress, Int(size), $0.baseAddress, $0.count) }
      isWhole = ZSTD_isError(made) == 0
      count = isWhole ? made : 0
    }
    guard isWhole else { throw damaged(file) }
    let parsed = lines.withUnsafeBytes {
      RecordParser().parse($0, storage: MemoryRecordStorage(lines), offset: 0)
    }
    guard parsed.faults.isEmpty else { throw damaged(file) }
    parsed.chunk.file.withLock { $0 = file }
    return parsed.trajectories
  }

  private static func damaged(_ file: String) -> PipelineError {
    PipelineError(
      .invalidData, "\(file) is not what was written; restore it from a copy, or start anew with --overwrite")
  }
}
