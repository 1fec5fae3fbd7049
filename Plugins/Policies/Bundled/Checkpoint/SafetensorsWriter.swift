// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import PipelineCore

/// Writes a safetensors file, tensor by tensor in any order; equal contents give equal bytes.
///
/// The header is written first, so the tensors are declared in advance. The numbers of a tensor are converted and
/// written in small parts; memory use does not depend on the size of a tensor.
package final class SafetensorsWriter {
  /// A tensor that the file will have.
  package struct Declaration: Sendable, Hashable {
    /// Its name in the file.
    package let name: String
    /// Its shape, outermost first.
    package let shape: [Int]
    /// Its number format.
    package let dtype: TensorType

    /// Declares a tensor.
    package init(_ name: String, shape: [Int], dtype: TensorType) {
      self.name = name
      self.shape = shape
      self.dtype = dtype
    }

    /// Its size in bytes.
    package var byteCount: Int { shape.reduce(dtype.byteCount, *) }
  }

  /// A tensor's position, and whether it has been written.
  private struct Place {
    let declaration: Declaration
    let offset: Int
    var isWritten = false
  }

  /// The path of the file.
  package let path: String
  private let descriptor: FileDescriptor
  private var places: [String: Place] = [:]

  private static let partCount = 1 << 18

  /// Creates the file, which must not exist, and writes its header.
  ///
  /// Tensors with four bytes per number come before those with two; otherwise they keep the given order.
  ///
  /// - Throws: When the file exists or cannot be written.
  /// - Precondition: No name occurs twice.
  package init(path: String, tensors: [Declaration], metadata: [SafetensorsFile.Metadata] = [.init("format", "pt")])
    throws
  {
    self.path = path
    let ordered = tensors.filter { $0.dtype.byteCount == 4 } + tensors.filter { $0.dtype.byteCount != 4 }
    var header: [JSONValue.Member] = []
    if !metadata.isEmpty {
      header.append(.init("__metadata__", .object(metadata.map { .init($0.key, .string($0.value)) })))
    }
    var end = 0
    for tensor in ordered {
      precondition(places[tensor.name] == nil, "the tensor '\(tensor.name)' is declared twice")
      places[tensor.name] = Place(declaration: tensor, offset: end)
      header.append(
        .init(
          tensor.name,
          [
            "dtype": .string(tensor.dtype.rawValue), "shape": .array(tensor.shape.map { .number($0) }),
            "data_offsets": [.number(end), .number(end + tensor.byteCount)],
          ]))
      end += tensor.byteCount
    }
    var bytes: [UInt8] = []
    JSONValue.object(header).write(to: &bytes)
    while bytes.count % 8 != 0 { bytes.append(0x20) }
    guard bytes.count <= SafetensorsFile.longestHeader else {
      throw PipelineError(.invalidData, "\(path): the names of \(tensors.count) tensors are too long for a header")
    }
    descriptor = try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, or: "cannot write")
    let start = 8 + bytes.count
    for name in places.keys {
      places[name] = places[name].map { Place(declaration: $0.declaration, offset: $0.offset + start) }
    }
    let length = withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) }
    try (length + bytes).withUnsafeBytes { try put($0, at: 0) }
    try descriptor.resize(to: UInt64(start + end))
  }

  /// Writes a tensor from `Float`s, converted to its declared type.
  ///
  /// - Throws: When the name was not declared, the count is wrong, or the disk is full.
  package func write(_ name: String, floats: UnsafeBufferPointer<Float>) throws {
    let place = try place(of: name, count: floats.count)
    let size = place.declaration.dtype.byteCount
    let part = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(max(floats.count, 1), Self.partCount) * size, alignment: 16)
    defer { part.deallocate() }
    for start in stride(from: 0, to: floats.count, by: Self.partCount) {
      let numbers = UnsafeBufferPointer(rebasing: floats[start..<min(start + Self.partCount, floats.count)])
      guard let target = part.baseAddress else { break }
      NumberConversion.narrow(numbers, to: place.declaration.dtype, into: target)
      try put(UnsafeRawBufferPointer(rebasing: part[..<(numbers.count * size)]), at: place.offset + start * size)
    }
    places[name]?.isWritten = true
  }

  /// Writes a stored tensor; bytes of the same type are copied unchanged.
  package func write(_ name: String, _ tensor: StoredTensor) throws {
    let place = try place(of: name, count: tensor.count)
    if tensor.dtype == place.declaration.dtype {
      try put(tensor.bytes, at: place.offset)
    } else {
      let size = place.declaration.dtype.byteCount
      let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: Self.partCount)
      let part = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.partCount * size, alignment: 16)
      defer {
        numbers.deallocate()
        part.deallocate()
      }
      for start in stride(from: 0, to: tensor.count, by: Self.partCount) {
        let range = start..<min(start + Self.partCount, tensor.count)
        tensor.copy(range, into: numbers)
        guard let target = part.baseAddress else { break }
        let filled = UnsafeBufferPointer(rebasing: numbers[..<range.count])
        NumberConversion.narrow(filled, to: place.declaration.dtype, into: target)
        try put(UnsafeRawBufferPointer(rebasing: part[..<(range.count * size)]), at: place.offset + start * size)
      }
    }
    places[name]?.isWritten = true
  }

  /// Writes everything to the disk.
  ///
  /// - Throws: When a declared tensor was not written, or the disk is full.
  package func finish() throws {
    if let missing = places.values.filter({ !$0.isWritten }).map(\.declaration.name).min() {
      throw PipelineError(.plugIn, "\(path): the tensor '\(missing)' was declared but not written")
    }
    try descriptor.synchronize()
  }

  private func place(of name: String, count: Int) throws -> Place {
    guard let place = places[name] else {
      throw PipelineError(.plugIn, "\(path): no tensor '\(name)' was declared")
    }
    let expected = place.declaration.shape.reduce(1, *)
    guard expected == count else {
      throw PipelineError(
        .plugIn, "\(path): '\(name)' has \(count) numbers, its shape \(place.declaration.shape) needs \(expected)")
    }
    return place
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    try descriptor.write(bytes, at: UInt64(offset))
  }
}
