// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Folders that are filled under a hidden name and take theirs once they are complete and on the disk.
package enum DurableFolder {
  /// Waits until the names in a folder are on the disk.
  package static func synchronize(_ path: String) throws {
    try FileDescriptor(opening: path, O_RDONLY | O_DIRECTORY).synchronize()
  }

  /// The name of a folder while this process fills it.
  package static func partialName(_ name: String) -> String { ".\(name).\(getpid()).partial" }

  /// Removes what this process, and processes that have ended, left of a folder that they were filling.
  package static func removeAbandoned(in parent: String, name: String) {
    for entry in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
      guard entry.hasPrefix(".\(name)."), entry.hasSuffix(".partial") else { continue }
      let number = entry.dropFirst(name.count + 2).dropLast(".partial".count)
      guard let process = pid_t(number), process > 0 else { continue }
      if process == getpid() || kill(process, 0) != 0 && errno == ESRCH {
        _ = try? FileManager.default.removeItem(atPath: "\(parent)/\(entry)")
      }
    }
  }

  /// Gives a folder another name; one that has this name already is replaced in one step, then removed.
  package static func move(folder: String, to target: String, replacing: Bool) throws {
    if replacing, access(target, F_OK) == 0 {
      if exchange(folder, target) {
        _ = try? FileManager.default.removeItem(atPath: folder)
      } else {
        try moveInTwoSteps(folder: folder, to: target)
      }
    } else {
      // Not over an empty folder that appeared meanwhile, which rename would replace.
      guard access(target, F_OK) != 0 else { throw SystemError.current("cannot write", target, code: EEXIST) }
      guard rename(folder, target) == 0 else { throw SystemError.current("cannot write", target) }
    }
    try synchronize(URL(fileURLWithPath: target).deletingLastPathComponent().path)
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
    guard rename(target, aside) == 0 else { throw SystemError.current("cannot replace", target) }
    guard rename(folder, target) == 0 else {
      let code = errno
      rename(aside, target)
      throw SystemError.current("cannot write", target, code: code)
    }
    _ = try? FileManager.default.removeItem(atPath: aside)
  }
}
