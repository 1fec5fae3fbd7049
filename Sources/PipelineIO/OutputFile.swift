// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Synchronization

/// A file that appears under its name only when it is complete, or standard output.
///
/// Bytes are written to a hidden file in the same folder, which is renamed by ``finish()``; if a run is killed, the old
/// file remains. A path that ends in `.gz` or `.zst` is compressed.
public final class OutputFile {
  /// What to do if the file exists.
  public enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Replace it, once the new one is complete.
    case replace
  }

  private let path: String
  private let temporaryPath: String?
  private let existing: Existing
  private let descriptor: FileDescriptor
  private var compressor: Compressor
  private var pending: [UInt8] = []
  private var isFinished = false

  private static let blockSize = 1 << 20
  private static let count = Atomic(0)

  /// Opens a file for writing, or standard output for `-`.
  ///
  /// - Throws: When it exists and may not be replaced, is a directory, or cannot be written.
  public init(path: String, existing: Existing = .refuse) throws {
    self.path = path == "-" ? "standard output" : path
    self.existing = existing
    compressor = Compressor(Compression(path: path))
    if path == "-" {
      temporaryPath = nil
      descriptor = FileDescriptor(1, path: "standard output", closes: false)
      return
    }
    var status = stat()
    if stat(path, &status) == 0 {
      let kind = status.st_mode & S_IFMT
      if kind == S_IFDIR { throw SystemError.current("cannot write", path, code: EISDIR) }
      if kind != S_IFREG {
        // A device or a pipe: there is nothing to replace or keep.
        let rawValue = open(path, O_WRONLY | O_CLOEXEC)
        guard rawValue >= 0 else { throw SystemError.current("cannot write", path) }
        temporaryPath = nil
        descriptor = FileDescriptor(rawValue, path: path)
        return
      }
      if existing == .refuse { throw Self.existsAlready(path) }
    }
    let url = URL(fileURLWithPath: path)
    // A separate name for each object, so that two outputs with the same name do not mix.
    let number = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
    let temporaryPath = url.deletingLastPathComponent()
      .appendingPathComponent(".\(url.lastPathComponent).\(getpid())-\(number).partial").path
    let rawValue = open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard rawValue >= 0 else { throw SystemError.current("cannot write", path) }
    self.temporaryPath = temporaryPath
    descriptor = FileDescriptor(rawValue, path: path)
  }

  deinit { if !isFinished, let temporaryPath { unlink(temporaryPath) } }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws {
    if pending.isEmpty, bytes.count >= Self.blockSize {
      try bytes.withUnsafeBytes { try push($0, isLast: false) }
      return
    }
    pending.append(contentsOf: bytes)
    if pending.count >= Self.blockSize { try flush() }
  }

  /// Writes out the buffer.
  public func flush() throws {
    if pending.isEmpty { return }
    try pending.withUnsafeBytes { try push($0, isLast: false) }
    pending.removeAll(keepingCapacity: true)
  }

  /// Writes out the buffer and waits until it is on the disk.
  public func synchronize() throws {
    try flush()
    try descriptor.synchronize()
  }

  /// Writes the rest and renames the file.
  public func finish() throws {
    try pending.withUnsafeBytes { try push($0, isLast: true) }
    pending.removeAll()
    if let temporaryPath { try giveName(temporaryPath) }
    isFinished = true
  }

  /// Renames the file; if it may not replace anything, this includes files created since it was opened.
  private func giveName(_ temporaryPath: String) throws {
    if existing == .refuse {
      if link(temporaryPath, path) == 0 {
        unlink(temporaryPath)
        return
      }
      if errno == EEXIST { throw Self.existsAlready(path) }
      // Not every file system has hard links; renaming is then the only way.
    }
    guard rename(temporaryPath, path) == 0 else { throw SystemError.current("cannot write", path) }
  }

  private static func existsAlready(_ path: String) -> PipelineError {
    PipelineError(.inputOutput, "\(path) exists already; name another file, or say --force to replace it")
  }

  private func push(_ bytes: UnsafeRawBufferPointer, isLast: Bool) throws {
    let descriptor = descriptor
    try compressor.write(bytes, isLast: isLast) { try descriptor.write($0) }
  }
}
