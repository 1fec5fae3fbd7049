// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// Files and folders that are on the disk when a call has returned.
enum DurableFile {
  /// Creates a file, which must not exist.
  static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemFailure.current("cannot write", path) }
    defer { close(descriptor) }
    try Array(bytes).withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let count = Foundation.write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw SystemFailure.current("cannot write", path) }
        written += count
      }
    }
    guard fsync(descriptor) == 0 else { throw SystemFailure.current("cannot write", path) }
  }

  /// Writes the directory entries of a folder to the disk.
  static func syncFolder(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure.current("cannot open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw SystemFailure.current("cannot write", path) }
  }

  /// The name of a folder while this process writes it.
  static func partialName(_ name: String) -> String { ".\(name).\(getpid()).partial" }

  /// Removes incomplete folders of processes that no longer exist, and of this one.
  static func removeAbandoned(in parent: String, name: String) {
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
      guard entry.hasPrefix(".\(name)."), entry.hasSuffix(".partial") else { continue }
      let number = entry.dropFirst(name.count + 2).dropLast(".partial".count)
      guard let process = pid_t(number), process > 0 else { continue }
      if process == getpid() || kill(process, 0) != 0 && errno == ESRCH {
        _ = try? FileManager.default.removeItem(atPath: "\(parent)/\(entry)")
      }
    }
  }

  /// Renames a folder; an existing one with that name is replaced in one step, then removed.
  static func move(folder: String, to target: String, replacing: Bool) throws {
    if replacing, access(target, F_OK) == 0 {
      if exchange(folder, target) {
        _ = try? FileManager.default.removeItem(atPath: folder)
      } else {
        try moveInTwoSteps(folder: folder, to: target)
      }
    } else {
      // Not over an empty folder that appeared in the meantime, which rename would replace.
      guard access(target, F_OK) != 0 else { throw SystemFailure.current("cannot write", target, code: EEXIST) }
      guard rename(folder, target) == 0 else { throw SystemFailure.current("cannot write", target) }
    }
    try syncFolder(URL(fileURLWithPath: target).deletingLastPathComponent().path)
  }

  /// Swaps the names of two folders; false if the system cannot.
  private static func exchange(_ first: String, _ second: String) -> Bool {
    #if os(Linux)
      // Swift's C library module does not have this function.
      typealias Rename =
        @convention(c) (CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt) -> CInt
      let swapNames: CUnsignedInt = 2
      guard let symbol = dlsym(nil, "renameat2") else { return false }
      return unsafeBitCast(symbol, to: Rename.self)(AT_FDCWD, first, AT_FDCWD, second, swapNames) == 0
    #else
      return renamex_np(first, second, UInt32(RENAME_SWAP)) == 0
    #endif
  }

  /// For file systems that cannot exchange names: the old folder is moved aside, and back if that fails.
  private static func moveInTwoSteps(folder: String, to target: String) throws {
    let aside = folder + ".old"
    guard rename(target, aside) == 0 else { throw SystemFailure.current("cannot replace", target) }
    guard rename(folder, target) == 0 else {
      let code = errno
      rename(aside, target)
      throw SystemFailure.current("cannot write", target, code: code)
    }
    _ = try? FileManager.default.removeItem(atPath: aside)
  }
}
