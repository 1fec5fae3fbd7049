// SPDX-License-Identifier: Apache-2.0
package import Files
import Foundation
import PipelineCore

/// The rows of a file of columns as lines of JSON, made by ``ColumnProgram`` while they are read.
final class ColumnByteSource: ByteSource, @unchecked Sendable {
  /// Where images that rows hold as bytes are written.
  struct ImageFolder {
    /// The folder.
    let path: String
    /// What rows call it: relative to the folder of the file, unless it is absolute.
    let name: String

    /// `FILE.images`, beside the file.
    static func beside(_ file: String) -> ImageFolder {
      let trimmed = file.hasSuffix("/") && file.count > 1 ? String(file.dropLast()) : file
      return ImageFolder(path: trimmed + ".images", name: URL(fileURLWithPath: trimmed).lastPathComponent + ".images")
    }
  }

  private let path: String
  private let images: ImageFolder
  private var interpreters: [String]
  private var running: (process: Process, output: FileDescriptor, errors: FileDescriptor)?
  private var hasRead = false

  init(path: String, images: ImageFolder) {
    self.path = path
    self.images = images
    interpreters = ColumnProgram.interpreters
  }

  deinit { running?.process.terminate() }

  /// Whether the bytes at the start of a file are those of a file of columns.
  static func isColumns(_ head: [UInt8]) -> Bool {
    head.starts(with: "PAR1".utf8) || head.starts(with: "ARROW1".utf8)
      // An Arrow stream, as `datasets` writes it: a message of metadata with a continuation mark.
      || head.starts(with: [0xFF, 0xFF, 0xFF, 0xFF])
  }

  static func isDataFolder(_ path: String) -> Bool { ColumnFile.isFolder(path) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let (process, output, errors) = try running ?? start()
      let count = try output.read(into: buffer)
      if count > 0 {
        hasRead = true
        return count
      }
      process.waitUntilExit()
      switch process.terminationStatus {
      case 0: return 0
      // No pyarrow, or no such interpreter.
      case ColumnProgram.lacksLibrary, 126, 127:
        guard !hasRead else { return 0 }
        running = nil
      default: throw PipelineError(.invalidData, "\(path): \(ColumnProgram.lastWords(errors))")
      }
    }
  }

  private func start() throws -> (process: Process, output: FileDescriptor, errors: FileDescriptor) {
    guard !interpreters.isEmpty else { throw ColumnProgram.lacking(path) }
    let errors = try TemporaryFile.make()
    let pipe = Pipe()
    let process = ColumnProgram.process(
      interpreters.removeFirst(), ["read", path, images.path, images.name], output: pipe, errors: errors)
    try process.run()
    let output = FileDescriptor(dup(pipe.fileHandleForReading.fileDescriptor), path: path)
    let started = (process, output, errors)
    running = started
    return started
  }
}

/// Writes lines of JSON as a parquet file.
package enum ColumnFile {
  /// Whether a name is that of a parquet file.
  package static func isNamed(_ path: String) -> Bool { path.lowercased().hasSuffix(".parquet") }

  /// Whether a folder is one of `datasets`, or holds parquet or Arrow files.
  package static func isFolder(_ path: String) -> Bool {
    func holds(_ folder: String, _ wanted: (String) -> Bool) -> Bool {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).contains(where: wanted)
    }
    func isColumns(_ name: String) -> Bool { name.hasSuffix(".parquet") || name.hasSuffix(".arrow") }
    return holds(path) { $0 == "dataset_dict.json" || $0 == "state.json" || isColumns($0) }
      || holds(path + "/data", isColumns)
  }

  /// Writes the rows of `lines` to `path`, which appears once it is complete.
  ///
  /// - Parameters:
  ///   - embedsImages: Whether images become bytes in the rows; their relative paths start from `folder`, that of the output.
  /// - Throws: When a column would hold values of several types, or the file cannot be written.
  package static func write(
    lines: String, to path: String, existing: AtomicFile.Existing, embedsImages: Bool, folder: String
  ) throws {
    for interpreter in ColumnProgram.interpreters {
      let file = try AtomicFile(path: path)
      let errors = try TemporaryFile.make()
      let process = ColumnProgram.process(
        interpreter, ["write", URL(fileURLWithPath: lines).path] + (embedsImages ? ["embed"] : []),
        output: FileHandle(fileDescriptor: file.descriptor.rawValue, closeOnDealloc: false), errors: errors)
      if !folder.isEmpty { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
      try process.run()
      process.waitUntilExit()
      switch process.terminationStatus {
      case 0: return try file.commit(existing)
      case ColumnProgram.lacksLibrary, 126, 127: continue
      default: throw PipelineError(.invalidData, "\(path): \(ColumnProgram.lastWords(errors))")
      }
    }
    throw ColumnProgram.lacking(path)
  }
}
