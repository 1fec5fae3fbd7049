// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import ModelInput
import PipelineCore
import Tensor

/// Saves a model in the layout of its original checkpoint; readable by transformers.
///
/// Everything is written to a hidden folder next to the target, which ``finish()`` renames: there is never a partial
/// checkpoint under the final name. Weights are written one by one in any order. Other files are copied byte for byte,
/// except that `config.json` states a changed number format.
package final class CheckpointWriter {
  /// The number format of the weights.
  package enum Precision: Sendable {
    /// As in the source.
    case source
    /// In one format. F32 preserves the result of training, whose steps are smaller than BF16 can represent.
    case all(TensorType)
  }

  /// What to do if the folder exists.
  package enum Existing: Sendable {
    /// Refuse.
    case refuse
    /// Replace it, once the new one is complete.
    case replace
  }

  /// The most bytes of weights in one file, unless a single tensor is larger; as in transformers.
  package static let defaultShardByteCount = 5_000_000_000

  private let folder: String
  private let temporary: String
  private let existing: Existing
  private let source: Checkpoint
  private let storedName: [String: String]
  private var shards: [SafetensorsWriter] = []
  private var shardOf: [String: Int] = [:]
  private var others: [SafetensorsWriter] = []
  private var folders: [String] = []
  private var isFinished = false

  /// Starts a checkpoint.
  ///
  /// - Throws: When the target exists and may not be replaced, or cannot be written.
  package init(
    folder: String, source: Checkpoint, precision: Precision, existing: Existing = .refuse,
    shardByteCount: Int = defaultShardByteCount
  ) throws {
    self.source = source
    self.existing = existing
    let url = URL(fileURLWithPath: folder)
    self.folder = url.path
    var status = stat()
    if lstat(self.folder, &status) == 0 {
      guard existing == .replace else {
        throw PipelineError(.inputOutput, "\(folder) exists already; name another folder, or ask to replace it")
      }
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw PipelineError(.inputOutput, "\(folder) is no folder, so it is not replaced")
      }
    }
    storedName = Dictionary(uniqueKeysWithValues: zip(source.tensors.map(\.name), source.storedNames))
    let parent = url.deletingLastPathComponent().path
    DurableFolder.removeAbandoned(in: parent, name: url.lastPathComponent)
    temporary = "\(parent)/\(DurableFolder.partialName(url.lastPathComponent))"
    guard mkdir(temporary, 0o777) == 0 else { throw SystemError.current("cannot make", temporary) }
    do {
      try source.documents.get().write(to: temporary, config: source.config.document, precision: precision)
      try declare(precision: precision, shardByteCount: shardByteCount)
    } catch {
      discard()
      throw error
    }
  }

  deinit { if !isFinished { discard() } }

  /// Writes a weight by its canonical name from `Float`s.
  package func write(_ name: String, floats: UnsafeBufferPointer<Float>) throws {
    let (shard, stored) = try target(of: name)
    try shard.write(stored, floats: floats)
  }

  /// Writes the tensors of a parameter by their canonical names.
  package func write(_ parameter: Parameter) throws {
    var start = 0
    for tensor in parameter.tensors {
      let part = parameter.variable.value.elements[start..<start + tensor.count]
      try write(tensor.name, floats: UnsafeBufferPointer(rebasing: part))
      start += tensor.count
    }
  }

  /// Copies a weight as it is stored in a checkpoint.
  package func write(_ tensor: StoredTensor) throws {
    let (shard, stored) = try target(of: tensor.name)
    try shard.write(stored, tensor)
  }

  /// Adds a file of other tensors, such as the state of an optimizer; ``finish()`` completes it too.
  ///
  /// - Parameter name: A name, in a folder of its own or without, other than that of a file of weights.
  package func addFile(
    named name: String, tensors: [SafetensorsWriter.Declaration], metadata: [SafetensorsFile.Metadata] = []
  ) throws -> SafetensorsWriter {
    precondition(!name.hasPrefix("model"), "'\(name)' is no name for a file beside the weights")
    try makeFolder(of: name)
    let writer = try SafetensorsWriter(path: "\(temporary)/\(name)", tensors: tensors, metadata: metadata)
    others.append(writer)
    return writer
  }

  /// Adds a small file, such as a training state in JSON.
  package func addFile(named name: String, bytes: [UInt8]) throws {
    try makeFolder(of: name)
    try DurableFile.write(bytes, to: "\(temporary)/\(name)")
  }

  /// Makes the folder that a name begins with, if it does.
  private func makeFolder(of name: String) throws {
    let parts = name.split(separator: "/")
    precondition((1...2).contains(parts.count) && !parts.contains(".."), "'\(name)' is no name for a file")
    guard parts.count == 2, !folders.contains(String(parts[0])) else { return }
    folders.append(String(parts[0]))
    let path = "\(temporary)/\(parts[0])"
    guard mkdir(path, 0o777) == 0 else { throw SystemError.current("cannot make", path) }
  }

  /// Writes everything to the disk and renames the folder.
  ///
  /// - Throws: When a weight is missing or the disk is full; the target is then unchanged.
  package func finish() throws {
    for writer in shards + others { try writer.finish() }
    for name in folders { try DurableFolder.synchronize("\(temporary)/\(name)") }
    try DurableFolder.synchronize(temporary)
    try DurableFolder.move(folder: temporary, to: folder, replacing: existing == .replace)
    isFinished = true
  }

  private func discard() { _ = try? FileManager.default.removeItem(atPath: temporary) }

  private func target(of name: String) throws -> (SafetensorsWriter, String) {
    guard let shard = shardOf[name], let stored = storedName[name] else {
      throw PipelineError(.plugIn, "\(folder): the model has no weight '\(name)'")
    }
    return (shards[shard], stored)
  }

  /// Fills shards in the order of the architecture.
  private func declare(precision: Precision, shardByteCount: Int) throws {
    var groups: [[SafetensorsWriter.Declaration]] = [[]]
    var room = shardByteCount
    var total = 0
    for tensor in source.tensors {
      let dtype = if case .all(let type) = precision { type } else { tensor.dtype }
      let declaration = SafetensorsWriter.Declaration(
        storedName[tensor.name] ?? tensor.name, shape: tensor.shape, dtype: dtype)
      if declaration.byteCount > room, groups.last?.isEmpty == false {
        groups.append([])
        room = shardByteCount
      }
      room -= declaration.byteCount
      total += declaration.byteCount
      shardOf[tensor.name] = groups.count - 1
      groups[groups.count - 1].append(declaration)
    }
    let files = groups.indices.map { groups.count == 1 ? WeightFiles.single : Self.shardName($0, of: groups.count) }
    for (file, group) in zip(files, groups) {
      shards.append(try SafetensorsWriter(path: "\(temporary)/\(file)", tensors: group))
    }
    guard groups.count > 1 else { return }
    let map = zip(files, groups).flatMap { file, group in group.map { JSONValue.Member($0.name, .string(file)) } }
    let index: JSONValue = [
      "metadata": ["total_size": .number(total)],
      "weight_map": .object(map.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }),
    ]
    try DurableFile.write(Array((index.prettyJSON + "\n").utf8), to: "\(temporary)/\(WeightFiles.index)")
  }

  /// `model-00001-of-00002.safetensors`.
  private static func shardName(_ index: Int, of count: Int) -> String {
    func five(_ number: Int) -> String { String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)" }
    return "model-\(five(index + 1))-of-\(five(count)).safetensors"
  }
}
