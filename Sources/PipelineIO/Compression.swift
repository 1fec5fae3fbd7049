// SPDX-License-Identifier: Apache-2.0
import CZlib
import CZstd
import PipelineCore
import Synchronization

/// The compression of a file.
package enum Compression: String, Sendable, CaseIterable {
  /// None.
  case plain
  /// gzip, possibly several members in a row.
  case gzip
  /// Zstandard, possibly several frames in a row.
  case zstd

  /// The compression for a path's ending: `.gz`, `.zst`, otherwise none.
  package init(path: String) {
    self = path.hasSuffix(".gz") ? .gzip : path.hasSuffix(".zst") ? .zstd : .plain
  }

  /// The compression recognized by the first bytes of a file.
  init(magic: some Collection<UInt8>) {
    let head = Array(magic.prefix(4))
    if head.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if head == [0x28, 0xB5, 0x2F, 0xFD] {
      self = .zstd
    } else {
      self = .plain
    }
  }
}

/// Decompresses a stream of gzip members or Zstandard frames; a truncated stream is an error, not an end.
final class DecompressingByteSource: ByteSource {
  private struct State: @unchecked Sendable {
    var input: [UInt8]
    var position = 0
    var filled: Int
    var inputEnded = false
    var isInsideFrame = false
    /// At a fixed address: zlib refuses a stream that has moved.
    let zlib = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    var zstd: OpaquePointer?
  }

  private let upstream: any ByteSource
  private let compression: Compression
  private let path: String
  private let state: Mutex<State>

  /// - Parameter head: Bytes that have already been read, to recognize the stream.
  init(_ upstream: any ByteSource, _ compression: Compression, head: [UInt8], path: String) throws {
    self.upstream = upstream
    self.compression = compression
    self.path = path
    var input = head
    input.append(contentsOf: repeatElement(0, count: max(0, 1 << 17 - head.count)))
    var initial = State(input: input, filled: head.count)
    initial.zlib.initialize(to: z_stream())
    if compression == .gzip {
      guard inflateInit2_(initial.zlib, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw PipelineError(.inputOutput, "cannot read \(path): not enough memory to decompress")
      }
    } else {
      initial.zstd = ZSTD_createDStream()
    }
    self.state = Mutex(initial)
  }

  deinit {
    state.withLock { state in
      if compression == .gzip { inflateEnd(state.zlib) } else { ZSTD_freeDStream(state.zstd) }
      state.zlib.deallocate()
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try state.withLock { state in
      while true {
        if state.position == state.filled, !state.inputEnded {
          let count = try state.input.withUnsafeMutableBytes { try upstream.read(into: $0) }
          state.position = 0
          state.filled = count
          state.inputEnded = count == 0
        }
        if state.position == state.filled, state.inputEnded {
          if state.isInsideFrame {
            throw PipelineError(
              .invalidData, "\(path) is cut off in the middle of compressed data; get the whole file")
          }
          return 0
        }
        let written = try compression == .gzip ? inflate(&state, buffer) : decode(&state, buffer)
        if written > 0 { return written }
      }
    }
  }

  private func inflate(_ state: inout State, _ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if !state.isInsideFrame { inflateReset(state.zlib) }
    state.isInsideFrame = true
    let available = state.filled - state.position
    let (status, left, room) = state.input.withUnsafeMutableBufferPointer { input in
      state.zlib.pointee.next_in = input.baseAddress?.advanced(by: state.position)
      state.zlib.pointee.avail_in = UInt32(available)
      state.zlib.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
      state.zlib.pointee.avail_out = UInt32(min(buffer.count, 1 << 30))
      let status = CZlib.inflate(state.zlib, Z_NO_FLUSH)
      return (status, Int(state.zlib.pointee.avail_in), Int(state.zlib.pointee.avail_out))
    }
    state.position += available - left
    if status == Z_STREAM_END {
      state.isInsideFrame = false
    } else if status != Z_OK && status != Z_BUF_ERROR {
      throw damaged()
    }
    return min(buffer.count, 1 << 30) - room
  }

  private func decode(_ state: inout State, _ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let (result, consumed, written) = state.input.withUnsafeBytes { input in
      var source = ZSTD_inBuffer(src: input.baseAddress, size: state.filled, pos: state.position)
      var target = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
      let result = ZSTD_decompressStream(state.zstd, &target, &source)
      return (result, source.pos, target.pos)
    }
    if ZSTD_isError(result) != 0 { throw damaged() }
    state.position = consumed
    state.isInsideFrame = result != 0
    return written
  }

  private func damaged() -> PipelineError {
    PipelineError(.invalidData, "\(path) holds damaged \(compression.rawValue) data; get the file again")
  }
}

/// Makes Zstandard frames in memory, for files that grow frame by frame.
package struct ZstandardFrame: ~Copyable {
  private var compressor = Compressor(.zstd)
  private var bytes: [UInt8] = []

  /// An empty frame.
  package init() {}

  /// Adds data.
  package mutating func append(_ data: [UInt8]) {
    var made: [UInt8] = []
    data.withUnsafeBytes { compressor.write($0, isLast: false) { made.append(contentsOf: $0) } }
    bytes += made
  }

  /// The whole frame.
  package consuming func finish() -> [UInt8] {
    var made: [UInt8] = []
    compressor.write(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true) { made.append(contentsOf: $0) }
    return bytes + made
  }

  /// What a frame holds.
  ///
  /// - Returns: Nil for what is no frame, or holds more than `limit` bytes.
  package static func contents(of frame: [UInt8], limit: Int) -> [UInt8]? {
    var isWhole = false
    let contents = [UInt8](unsafeUninitializedCapacity: max(1, limit)) { buffer, count in
      let size = ZSTD_decompress(buffer.baseAddress, limit, frame, frame.count)
      isWhole = ZSTD_isError(size) == 0
      count = isWhole ? size : 0
    }
    return isWhole ? contents : nil
  }
}

/// Compresses data into one frame or member.
struct Compressor: ~Copyable {
  private let zlib = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var zstd: OpaquePointer?
  private let compression: Compression
  private var output = [UInt8](repeating: 0, count: 1 << 17)

  init(_ compression: Compression) {
    self.compression = compression
    zlib.initialize(to: z_stream())
    switch compression {
    case .gzip:
      deflateInit2_(
        zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    case .zstd: zstd = ZSTD_createCStream()
    case .plain: break
    }
  }

  deinit {
    if compression == .gzip { deflateEnd(zlib) }
    if let zstd { ZSTD_freeCStream(zstd) }
    zlib.deallocate()
  }

  /// Compresses `bytes` and passes on what is ready; with `isLast` also the end of the frame.
  mutating func write(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) rethrows {
    switch compression {
    case .plain: try body(bytes)
    case .gzip:
      zlib.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
      zlib.pointee.avail_in = UInt32(bytes.count)
      var isDone = false
      while !isDone {
        let written = output.withUnsafeMutableBufferPointer { output in
          zlib.pointee.next_out = output.baseAddress
          zlib.pointee.avail_out = UInt32(output.count)
          let status = deflate(zlib, isLast ? Z_FINISH : Z_NO_FLUSH)
          isDone = isLast ? status == Z_STREAM_END : zlib.pointee.avail_in == 0 && zlib.pointee.avail_out > 0
          return output.count - Int(zlib.pointee.avail_out)
        }
        try output.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<written])) }
      }
    case .zstd:
      var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
      var isDone = false
      while !isDone {
        let written = output.withUnsafeMutableBytes { output in
          var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
          let left = ZSTD_compressStream2(zstd, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_continue)
          isDone = isLast ? left == 0 : source.pos == source.size
          return target.pos
        }
        try output.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<written])) }
      }
    }
  }
}
