// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Synchronization

/// What a run says, in a file beside its folder; a run that goes on adds to it.
final class JobLog: Sendable {
  private let handle: Mutex<FileHandle>

  /// Opens the file, and makes the folders above it.
  init(path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw PipelineError(.inputOutput, "cannot make the directory \(folder); check the path and its permissions")
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw PipelineError(
        .inputOutput, "cannot write \(path): \(String(cString: strerror(errno))); check its permissions")
    }
    handle = Mutex(FileHandle(fileDescriptor: descriptor, closeOnDealloc: true))
  }

  /// Adds lines; a log that cannot be written, on a full disk for instance, stops no run.
  func write(_ lines: String) {
    handle.withLock { handle in _ = try? handle.write(contentsOf: Data((lines + "\n").utf8)) }
  }
}
