// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore
import PipelineIO
import Synchronization

/// Answers by request, in a file that only grows.
///
/// Each line is written as soon as its answer arrives, so that a process that was killed repeats no request that was
/// answered. Answers are found by a hash of the request, which contains no key. A torn last line is cut off. Memory: a
/// few dozen bytes for each answer.
final class AnswerCache: Sendable {
  private struct Place {
    let offset: UInt64
    let count: Int
  }

  private struct State {
    var places: [String: Place] = [:]
    var end: UInt64 = 0
  }

  private let path: String
  private let descriptor: FileDescriptor
  private let lock: FileLock
  private let state: Mutex<State>

  private static let opening = Array(#"{"request":""#.utf8)
  private static let keyDigits = 32
  private static let middle = Array(#"","answer":"#.utf8)

  /// Opens or creates a file.
  ///
  /// - Throws: When it cannot be written, is not a file of answers, or is in use by another program.
  init(path: String) throws {
    self.path = path
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    descriptor = try FileDescriptor(
      opening: path, O_RDWR | O_CREAT | O_APPEND, mode: 0o600, or: "cannot store answers in")
    guard let lock = FileLock(descriptor) else {
      throw PipelineError(
        .inputOutput,
        "cannot store answers in \(path): another program is using it; wait until it ends, or name another file in "
          + "'cache'")
    }
    self.lock = lock
    state = Mutex(try Self.read(descriptor))
  }

  /// The key of a request.
  static func key(of parts: [String]) -> String {
    var hash = StableHash()
    for part in parts { hash.add(part) }
    return hash.digits
  }

  /// The answer to a request; nil if it is unknown or cannot be read.
  func answer(to key: String) -> JSONValue? {
    guard let place = state.withLock({ $0.places[key] }) else { return nil }
    var bytes = [UInt8](repeating: 0, count: place.count)
    let count = bytes.withUnsafeMutableBytes { try? descriptor.read(into: $0, at: place.offset) }
    guard count == place.count else { return nil }
    return try? JSONValue(parsing: String(decoding: bytes, as: UTF8.self))["answer"]
  }

  /// Stores an answer.
  ///
  /// - Throws: When it cannot be written, for example on a full disk.
  func keep(_ answer: JSONValue, to key: String) throws {
    var line = Self.opening + Array(key.utf8) + Self.middle
    answer.write(to: &line)
    line += Array("}\n".utf8)
    try state.withLock { state in
      do {
        try line.withUnsafeBytes { try descriptor.write($0) }
      } catch {
        // The part of the line that was written would spoil the next one.
        try? descriptor.resize(to: state.end)
        throw error
      }
      state.places[key] = Place(offset: state.end, count: line.count - 1)
      state.end += UInt64(line.count)
    }
  }

  /// Records where each line begins.
  private static func read(_ descriptor: FileDescriptor) throws -> State {
    let path = descriptor.path
    var state = State()
    var pending: [UInt8] = []
    try descriptor.forEachPart { block in
      pending += block
      var start = 0
      while let end = pending[start...].firstIndex(of: 0x0A) {
        guard let key = key(in: pending[start..<end]) else {
          throw PipelineError(
            .invalidData, "\(path) is not a file of stored answers; name another one in 'cache', or remove it")
        }
        state.places[key] = Place(offset: state.end, count: end - start)
        state.end += UInt64(end - start + 1)
        start = end + 1
      }
      pending.removeFirst(start)
    }
    if !pending.isEmpty {
      guard opening.starts(with: pending.prefix(opening.count)) else {
        throw PipelineError(
          .invalidData, "\(path) is not a file of stored answers; name another one in 'cache', or remove it")
      }
      try descriptor.resize(to: state.end)
    }
    return state
  }

  private static func key(in line: ArraySlice<UInt8>) -> String? {
    guard line.starts(with: opening) else { return nil }
    let rest = line.dropFirst(opening.count)
    guard rest.dropFirst(keyDigits).starts(with: middle) else { return nil }
    return String(decoding: rest.prefix(keyDigits), as: UTF8.self)
  }
}
