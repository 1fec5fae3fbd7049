// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore
import Synchronization

/// Which folders this user's own commands have written records to that name images elsewhere, and where those images lie.
///
/// What a command has written may be read again where it lies: its images were allowed when it was written. The notes are a
/// file of the user's, `shuffle-r1/written.jsonl` in `XDG_STATE_HOME` or `~/.local/state`, so that no folder from elsewhere
/// can allow itself anything. Where there is no such place nothing is noted, and images are named with `--image-root`.
package final class WrittenFolders: Sendable {
  /// The notes of this user.
  package static let standard = WrittenFolders(file: standardFile)

  private let file: String?
  private let known = Mutex<(stamp: Stamp?, roots: [String: [String]])>((nil, [:]))
  /// As many bytes are kept at most; then the older half goes.
  private static let limit = 1 << 20

  private struct Stamp: Equatable {
    var inode: UInt64
    var size: Int
  }

  /// Notes in a file; nil for none.
  package init(file: String?) { self.file = file }

  private static var standardFile: String? {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") { return folder + "/shuffle-r1/written.jsonl" }
    return environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 + "/.local/state/shuffle-r1/written.jsonl" : nil }
  }

  /// Notes that records in a folder name images in others.
  ///
  /// What cannot be noted is left: a reader then asks for the root.
  package func note(folder: String, imagesIn roots: [String]) {
    guard let file else { return }
    let name = Self.real(folder)
    let new = roots.map(Self.real).filter { $0 != "/" && !self.roots(of: name).contains($0) }
    guard !new.isEmpty else { return }
    var bytes: [UInt8] = []
    for root in new {
      JSONValue.object([.init("folder", .string(name)), .init("images", .string(root))]).write(to: &bytes)
      bytes.append(0x0A)
    }
    try? FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    let descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // One write, so that commands side by side do not mix their lines.
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }

  /// Where the images of records in a folder may lie, besides the folder itself.
  package func roots(of folder: String) -> [String] {
    guard let file else { return [] }
    var status = stat()
    guard lstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
      status.st_mode & 0o022 == 0
    else { return [] }
    let stamp = Stamp(inode: UInt64(status.st_ino), size: Int(status.st_size))
    let name = Self.real(folder)
    return known.withLock { known in
      if known.stamp != stamp {
        known = (stamp, Self.read(file))
        if stamp.size > Self.limit { Self.shorten(file) }
      }
      return known.roots[name] ?? []
    }
  }

  private static func read(_ file: String) -> [String: [String]] {
    var roots: [String: [String]] = [:]
    for line in [UInt8](FileManager.default.contents(atPath: file) ?? Data()).split(separator: 0x0A) {
      guard let value = try? JSONValue(parsing: String(decoding: line, as: UTF8.self)),
        let folder = value["folder"]?.stringValue, let root = value["images"]?.stringValue
      else { continue }
      roots[folder, default: []].append(root)
    }
    return roots
  }

  /// Leaves the younger half.
  private static func shorten(_ file: String) {
    guard let data = FileManager.default.contents(atPath: file) else { return }
    let half = data.suffix(limit / 2)
    let whole = half.drop { $0 != 0x0A }.dropFirst()
    try? Data(whole).write(to: URL(fileURLWithPath: file), options: .atomic)
    chmod(file, 0o600)
  }

  private static func real(_ path: String) -> String {
    let components = RealPath(path.isEmpty ? "." : path).components
    return components.count < 2 ? "/" : "/" + components.dropFirst().joined(separator: "/")
  }
}
