// SPDX-License-Identifier: Apache-2.0
import Files
import PipelineCore

/// A memory-mapped safetensors file: eight bytes with the header's length, a JSON header, then the numbers.
package struct SafetensorsFile: Sendable {
  /// The path it was opened by.
  package let path: String
  /// The tensors in the order of the file.
  package let tensors: [StoredTensor]
  /// The `__metadata__` of the header, in its order.
  package let metadata: [Metadata]
  private let positions: [String: Int]

  /// A text in the file.
  package struct Metadata: Sendable, Hashable {
    /// Its key.
    package let key: String
    /// The text.
    package let value: String

    /// Names a text.
    package init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  /// Headers of real models have a few hundred thousand bytes.
  static let longestHeader = 16 << 20

  /// Opens a file and checks its whole header without reading the numbers.
  ///
  /// - Throws: When the file is truncated, or its header is inconsistent with itself or the file.
  package init(path: String) throws {
    self.path = path
    let file = try MappedFile(path: path)
    let header = try SafetensorsHeader(file)
    metadata = header.metadata
    tensors = header.entries.map { entry in
      let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
      return StoredTensor(name: entry.name, shape: entry.shape, dtype: entry.dtype, bytes: bytes, owner: file)
    }
    positions = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
  }

  /// The tensor with a name, as spelled in the file.
  package subscript(name: String) -> StoredTensor? { positions[name].map { tensors[$0] } }

  /// The text of a key in the metadata.
  package func metadata(_ key: String) -> String? { metadata.first { $0.key == key }?.value }
}
