// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// A block of whole lines that are not parsed yet.
struct RawChunk: Sendable {
  let bytes: [UInt8]
  /// Where the bytes can be read again, and at what offset.
  let storage: any RecordStorage
  let offset: UInt64

  func parse(with parser: RecordParser) -> ParsedChunk {
    bytes.withUnsafeBytes { parser.parse($0, storage: storage, offset: offset) }
  }
}

/// Where in a file a block of whole lines is.
struct ChunkPlace: Sendable {
  let storage: FileRecordStorage
  let bytes: Range<UInt64>

  /// - Throws: When the bytes can no longer be read.
  func parse(with parser: RecordParser) throws -> ParsedChunk {
    try storage.withBytes(at: bytes.lowerBound, count: bytes.count) {
      parser.parse($0, storage: storage, offset: bytes.lowerBound)
    }
  }
}

/// Stores bytes that cannot be read again from their source: 64 MiB in memory, the rest in a spool file.
final class RecordKeeper {
  private var spool: (file: SpoolFile, storage: FileRecordStorage)?
  private var bytesInMemory = 0
  private var block: KeptBlock?
  private static let memoryLimit = 64 << 20
  /// Less is not worth a block: most inputs that are kept are short.
  private static let blockLimit = 4 << 20

  /// Stores bytes and returns where.
  func keep(_ bytes: [UInt8]) throws -> RawChunk {
    bytesInMemory += bytes.count
    guard bytesInMemory > Self.memoryLimit else {
      if bytesInMemory > Self.blockLimit, let place = placeInBlock(bytes) {
        return RawChunk(bytes: bytes, storage: place.block, offset: place.offset)
      }
      return RawChunk(bytes: bytes, storage: MemoryRecordStorage(bytes), offset: 0)
    }
    let spool = try spool ?? Self.makeSpool()
    self.spool = spool
    return RawChunk(bytes: bytes, storage: spool.storage, offset: try spool.file.append(bytes))
  }

  /// Releases what was stored for a batch that has ended; what is still referenced stays readable.
  func batchEnded() {
    bytesInMemory = 0
    block = nil
    spool = nil
  }

  /// Copies bytes into a block; nil if they are too many for one.
  private func placeInBlock(_ bytes: [UInt8]) -> (block: KeptBlock, offset: UInt64)? {
    if let block, let offset = block.append(bytes) { return (block, offset) }
    guard bytes.count <= KeptBlock.size / 4, let block = KeptBlock(), let offset = block.append(bytes) else {
      return nil
    }
    self.block = block
    return (block, offset)
  }

  private static func makeSpool() throws -> (SpoolFile, FileRecordStorage) {
    let file = try SpoolFile()
    return (file, FileRecordStorage(file.descriptor))
  }
}

/// Divides a file or pipe into chunks of whole lines.
final class ChunkedInput {
  /// The path as shown in messages.
  let displayPath: String
  private let descriptor: FileDescriptor
  private let source: any ByteSource
  private let size: Int?
  /// Set for a plain file, whose records can be read again by offset.
  private let fileStorage: FileRecordStorage?
  private var peeked: [UInt8]?
  private var rest: [UInt8]
  private var offset: UInt64 = 0
  private var isAtStart = true
  private var hasEnded = false

  /// Whether all of the file is read, and not a part.
  private let isWhole: Bool

  private static let chunkSize = 1 << 20
  /// The same of chunks that are read where they are checked: so few that they stay in a core's own cache.
  private static let placeSize = 256 << 10
  /// How much more is read at once, so that most chunks have their full size.
  private static let margin = 4096
  private static let longestLine = 1 << 30

  /// Opens a file or standard input.
  ///
  /// - Parameters:
  ///   - images: Where images in the rows of a file of columns are written; nil for beside it.
  ///   - part: The bytes of a regular file to read, whole lines or whole compressed frames; nil for all.
  init(path: String, images: ColumnByteSource.ImageFolder? = nil, part: Range<UInt64>? = nil) throws {
    let isStandardInput = path == "-"
    displayPath = isStandardInput ? "standard input" : path
    let descriptor =
      try isStandardInput
      ? FileDescriptor(0, path: displayPath, closes: false) : FileDescriptor(opening: path, O_RDONLY)
    self.descriptor = descriptor
    isWhole = part == nil
    let status = try descriptor.status()
    let columns = ColumnByteSource(path: path, images: images ?? .beside(path))
    if status.st_mode & S_IFMT == S_IFDIR {
      guard ColumnByteSource.isDataFolder(path) else {
        throw SystemError.current("cannot read", displayPath, code: EISDIR)
      }
      (source, fileStorage, size, rest) = (columns, nil, nil, [])
      return
    }
    let isFile = status.st_mode & S_IFMT == S_IFREG
    if isFile, Self.isStandardOutput(status) {
      throw PipelineError(
        .inputOutput, "\(displayPath) is the file that standard output goes to; send that to another file")
    }
    var head = [UInt8](repeating: 0, count: min(4096, part?.count ?? 4096))
    if let part, lseek(descriptor.rawValue, off_t(part.lowerBound), SEEK_SET) < 0 {
      throw SystemError.current("cannot read", displayPath)
    }
    let count = try head.withUnsafeMutableBytes { try descriptor.read(into: $0) }
    head.removeSubrange(count...)
    offset = part?.lowerBound ?? 0
    let isColumns = isFile && !isStandardInput && ColumnByteSource.isColumns(head)
    size = isFile && !isColumns ? Int(status.st_size) : nil
    let compression = Compression(magic: head)
    if isColumns {
      (source, fileStorage, rest) = (columns, nil, [])
      return
    }
    if compression == .plain, head.contains(0) { throw Self.notText(head, displayPath) }
    let startsAtZero = isFile && lseek(descriptor.rawValue, 0, SEEK_CUR) == off_t(offset) + off_t(count)
    let bytes: any ByteSource =
      part.map { PartByteSource(descriptor, count: $0.count - count) } ?? PlainByteSource(descriptor)
    if compression == .plain, !ArrayElementSource.isArray(head) {
      source = bytes
      fileStorage = startsAtZero ? FileRecordStorage(descriptor) : nil
      rest = head
    } else {
      source =
        compression == .plain
        ? ArrayElementSource(bytes, head: head, path: displayPath)
        : ArrayElementSource(
          try DecompressingByteSource(bytes, compression, head: head, path: displayPath), path: displayPath)
      fileStorage = nil
      rest = []
    }
  }

  /// Whether standard output goes to this file, which would then be read without end.
  private static func isStandardOutput(_ file: stat) -> Bool {
    var output = stat()
    return fstat(1, &output) == 0 && output.st_dev == file.st_dev && output.st_ino == file.st_ino
  }

  private static func notText(_ head: [UInt8], _ path: String) -> PipelineError {
    let remedy =
      ColumnByteSource.isColumns(head)
      ? "files of columns are read from a file, not from a pipe; name the file"
      : "what can be read is JSONL in UTF-8, plain, .gz or .zst"
    return PipelineError(.invalidData, "\(path) is not a text file; \(remedy)")
  }

  /// The share of all files read so far, assuming equal sizes; nil for a pipe.
  func progress(fileCount: Int, filesLeft: Int) -> Double? {
    guard let size, size > 0 else { return nil }
    let share = Double(max(0, lseek(descriptor.rawValue, 0, SEEK_CUR))) / Double(size)
    return (Double(fileCount - filesLeft - 1) + min(1, share)) / Double(fileCount)
  }

  /// The first chunk's bytes, without taking them.
  func peek() throws -> [UInt8] {
    if peeked == nil { peeked = try nextBytes() ?? [] }
    return peeked ?? []
  }

  /// The next chunk, or nil at the end.
  ///
  /// - Parameter keeper: Stores bytes that cannot be read again.
  func next(keeper: RecordKeeper) throws -> RawChunk? {
    guard let bytes = try takeBytes() else { return nil }
    defer { offset += UInt64(bytes.count) }
    if let fileStorage { return RawChunk(bytes: bytes, storage: fileStorage, offset: offset) }
    return try keeper.keep(bytes)
  }

  /// The place of the next chunk, to be read by any thread; nil where ``next(keeper:)`` must read it.
  ///
  /// Only the ends of chunks are looked at: copying all bytes out of the system's cache on one thread takes as long as checking
  /// them, and a thread that copies what it checks does so within its own cache.
  func nextPlace() throws -> ChunkPlace? {
    guard let fileStorage, isWhole, peeked == nil, !isAtStart, !hasEnded else { return nil }
    let (start, window) = (offset, UInt64(Self.placeSize))
    let size = try descriptor.size()
    guard size > start else { return nil }
    var end = size
    if size - start < window {
      hasEnded = true
    } else if let newline = try lastNewline(in: start..<start + window) {
      end = newline + 1
    } else {
      return nil
    }
    rest = []
    offset = end
    guard lseek(descriptor.rawValue, off_t(end), SEEK_SET) >= 0 else {
      throw SystemError.current("cannot read", displayPath)
    }
    return ChunkPlace(storage: fileStorage, bytes: start..<end)
  }

  /// The last end of a line in a part of the file, looked for in pieces from its end.
  private func lastNewline(in part: Range<UInt64>) throws -> UInt64? {
    let size: UInt64 = 8 << 10
    var end = part.upperBound
    while end > part.lowerBound {
      let start = max(part.lowerBound, end < size ? 0 : end - size)
      let piece = try [UInt8](unsafeUninitializedCapacity: Int(end - start)) { buffer, count in
        count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer), at: start)
      }
      guard piece.count == Int(end - start) else { return nil }
      if let last = piece.lastIndex(from: 0, of: 0x0A) { return start + UInt64(last) }
      end = start
    }
    return nil
  }

  /// The next chunk's bytes, or nil at the end; for readers that do not need them again.
  func takeBytes() throws -> [UInt8]? {
    guard let bytes = peeked else { return try nextBytes() }
    peeked = nil
    return bytes.isEmpty ? nil : bytes
  }

  private func nextBytes() throws -> [UInt8]? {
    var bytes = rest
    rest = []
    var searched = 0
    while !hasEnded {
      let end = bytes.lastIndex(from: searched, of: 0x0A)
      if bytes.count >= Self.chunkSize, let end {
        rest = Array(bytes[(end + 1)...])
        bytes.removeSubrange((end + 1)...)
        break
      }
      searched = bytes.count
      if searched > Self.longestLine {
        throw PipelineError(
          .invalidData, "a line of \(displayPath) is longer than 1 GiB; is this a JSONL file? One record is one line")
      }
      try fill(&bytes)
    }
    if bytes.isEmpty { return nil }
    if isAtStart {
      isAtStart = false
      // A byte order mark at the start of a file is replaced by spaces, so that offsets stay correct.
      if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.replaceSubrange(0..<3, with: [0x20, 0x20, 0x20]) }
    }
    return bytes
  }

  /// Reads until a chunk is full or the input ends; a long line is read in larger and larger pieces.
  private func fill(_ bytes: inout [UInt8]) throws {
    let wanted = max(Self.chunkSize + Self.margin - bytes.count, bytes.count)
    let start = bytes.count
    let source = source
    var ended = false
    bytes = try [UInt8](unsafeUninitializedCapacity: start + wanted) { buffer, initialized in
      let room = UnsafeMutableRawBufferPointer(buffer)
      bytes.withUnsafeBytes { room.copyMemory(from: $0) }
      initialized = start
      while initialized < room.count {
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: room[initialized...]))
        if count == 0 {
          ended = true
          break
        }
        initialized += count
      }
    }
    hasEnded = ended
  }
}

extension [UInt8] {
  /// The last position of a byte at or after `start`.
  fileprivate func lastIndex(from start: Int, of byte: UInt8) -> Int? {
    var position = count - 1
    while position >= start {
      if self[position] == byte { return position }
      position -= 1
    }
    return nil
  }
}
