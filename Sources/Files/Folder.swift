// SPDX-License-Identifier: Apache-2.0
package import Foundation
import PipelineCore

/// An open folder, whose files are reached through it and never through a link.
///
/// Names may lead into folders below (`taps/first.jsonl`). Every part of a name is opened by itself, without following
/// symbolic links, and a file must be a plain one with no second name: what lies elsewhere is out of reach, whatever
/// somebody has put into the folder.
package final class Folder: Sendable {
  /// What a name stands for.
  package enum Kind: Sendable { case file, folder, link, other }

  /// The path as the user named it.
  package let path: String
  private let descriptor: FileDescriptor

  /// Opens a folder as the user named it: links on the way to it are followed.
  package init(path: String) throws {
    self.path = path
    descriptor = try FileDescriptor(opening: path, O_RDONLY | O_DIRECTORY)
  }

  private init(_ descriptor: FileDescriptor) {
    path = descriptor.path
    self.descriptor = descriptor
  }

  /// The path of a file, for messages and for programs that take one.
  package func path(of name: String) -> String { path + "/" + name }

  /// What is there under a name; nil where nothing is.
  package func kind(of name: String) throws -> Kind? {
    guard let status = try status(of: name) else { return nil }
    return switch status.st_mode & S_IFMT {
    case S_IFREG: .file
    case S_IFDIR: .folder
    case S_IFLNK: .link
    default: .other
    }
  }

  /// The status of a name itself, not of what a link leads to; nil where nothing is.
  package func status(of name: String) throws -> stat? {
    guard let (parent, last) = try parent(of: name, making: false) else { return nil }
    var status = stat()
    if fstatat(parent.rawValue, last, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
    if errno == ENOENT { return nil }
    throw SystemError.current("cannot look at", path(of: name))
  }

  /// The names in the folder, in no order, those of hidden files among them.
  package func names() throws -> [String] {
    // A descriptor of its own: the position in a folder belongs to the descriptor, and is used up by reading.
    let copy = uninterrupted { openat(descriptor.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard copy >= 0, let stream = fdopendir(copy) else { throw SystemError.current("cannot look into", path) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// A folder below.
  ///
  /// - Parameter making: Whether it is made where it is missing.
  /// - Returns: Nil where it is missing, and not made.
  package func folder(_ name: String, making: Bool = false) throws -> Folder? {
    guard let (parent, last) = try parent(of: name, making: making) else { return nil }
    return try Self.step(into: last, of: parent, making: making, path: path(of: name)).map(Folder.init)
  }

  /// Opens a plain file.
  ///
  /// - Parameters:
  ///   - flags: Those of `open`; `O_CREAT` makes folders on the way too.
  ///   - action: What the error says could not be done.
  /// - Returns: Nil where there is none, and none is made.
  /// - Throws: When it is a link, a folder or a device, or has a second name.
  package func open(
    _ name: String, _ flags: Int32, mode: mode_t = 0o666, or action: String = "cannot write"
  ) throws -> FileDescriptor? {
    guard let (parent, last) = try parent(of: name, making: flags & O_CREAT != 0) else { return nil }
    // Without O_NONBLOCK, a pipe would be waited for.
    let rawValue = uninterrupted {
      openat(parent.rawValue, last, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode)
    }
    guard rawValue >= 0 else {
      if errno == ENOENT, flags & O_CREAT == 0 { return nil }
      throw SystemError.current(action, path(of: name))
    }
    let file = FileDescriptor(rawValue, path: path(of: name))
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw PipelineError(.inputOutput, "\(action) \(file.path): it is not a regular file; move it away")
    }
    // A file of this folder that is also a file of another would change there too.
    guard flags & O_ACCMODE == O_RDONLY || status.st_nlink <= 1 else {
      throw PipelineError(
        .inputOutput,
        "\(action) \(file.path): the same file has another name elsewhere (a hard link); put a copy in its place")
    }
    return file
  }

  /// All bytes of a file; nil where there is none.
  ///
  /// - Throws: When it is larger than `limit`, or is no plain file.
  package func contents(of name: String, limit: Int = 256 << 20) throws -> [UInt8]? {
    guard let file = try open(name, O_RDONLY, or: "cannot read") else { return nil }
    guard try file.size() <= limit else {
      throw PipelineError(.invalidData, "\(file.path) has more than the \(limit) bytes that are read")
    }
    var bytes: [UInt8] = []
    try file.forEachPart { bytes += $0 }
    return bytes
  }

  /// Writes a file that takes its name once it is complete; what had the name is replaced.
  ///
  /// - Parameter durable: Whether its name is on the disk once this returns; its bytes are.
  package func replace(_ name: String, with bytes: [UInt8], durable: Bool) throws {
    let file = try AtomicFile(in: self, name: name)
    try bytes.withUnsafeBytes { try file.descriptor.write($0) }
    // A name must not be on the disk before what it stands for.
    if !durable { try file.descriptor.synchronize() }
    try file.commit(.replace, durable: durable)
  }

  /// Points a link at a name; one that is there is replaced.
  package func link(_ name: String, to target: String) throws {
    let partial = ".\(name).\(AtomicFile.unpredictable()).partial"
    guard symlinkat(target, descriptor.rawValue, partial) == 0,
      renameat(descriptor.rawValue, partial, descriptor.rawValue, name) == 0
    else {
      let error = SystemError.current("cannot write", path(of: name))
      unlinkat(descriptor.rawValue, partial, 0)
      throw error
    }
  }

  /// Removes a file, a link or a folder with all that is in it; nothing where there is none.
  ///
  /// Links are not followed.
  package func remove(_ name: String) throws {
    guard let (parent, last) = try parent(of: name, making: false) else { return }
    try Self.remove(last, in: parent, path: path(of: name))
  }

  /// Gives a file another name in its folder; one that has this name already is replaced.
  package func rename(_ name: String, to other: String) throws {
    guard let (parent, last) = try parent(of: name, making: false),
      let (target, new) = try self.parent(of: other, making: false)
    else { return }
    guard renameat(parent.rawValue, last, target.rawValue, new) == 0 else {
      throw SystemError.current("cannot write", path(of: other))
    }
  }

  /// Waits until the names in the folder are on the disk.
  package func synchronize() throws { try descriptor.synchronize() }

  /// Descends to the folder that holds a name.
  func parent(of name: String, making: Bool) throws -> (FileDescriptor, String)? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let last = parts.last, !parts.contains(where: { ["", ".", ".."].contains($0) || $0.contains("\0") }) else {
      throw PipelineError(.invalidData, "\(name.quotedForMessage) is no name of a file in \(path)")
    }
    var parent = descriptor
    for part in parts.dropLast() {
      guard let next = try Self.step(into: part, of: parent, making: making, path: parent.path + "/" + part) else {
        return nil
      }
      parent = next
    }
    return (parent, last)
  }

  private static func step(
    into name: String, of parent: FileDescriptor, making: Bool, path: String
  ) throws -> FileDescriptor? {
    if making, mkdirat(parent.rawValue, name, 0o777) != 0, errno != EEXIST {
      throw SystemError.current("cannot make the folder", path)
    }
    let rawValue = uninterrupted {
      openat(parent.rawValue, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    }
    if rawValue >= 0 { return FileDescriptor(rawValue, path: path) }
    if errno == ENOENT, !making { return nil }
    var status = stat()
    let code = errno
    let isLink =
      fstatat(parent.rawValue, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFLNK
    throw SystemError.current("cannot open", path, code: isLink ? ELOOP : code)
  }

  private static func remove(_ name: String, in parent: FileDescriptor, path: String) throws {
    if unlinkat(parent.rawValue, name, 0) == 0 || errno == ENOENT { return }
    // Linux says EISDIR of a folder, others EPERM.
    guard errno == EISDIR || errno == EPERM else { throw SystemError.current("cannot remove", path) }
    if let inner = try step(into: name, of: parent, making: false, path: path) {
      for entry in try Folder(inner).names() { try remove(entry, in: inner, path: path + "/" + entry) }
    }
    guard unlinkat(parent.rawValue, name, AT_REMOVEDIR) == 0 || errno == ENOENT else {
      throw SystemError.current("cannot remove", path)
    }
  }
}
