// SPDX-License-Identifier: Apache-2.0
import Files

/// A tensor in a checkpoint's file: converted or copied only on demand.
package struct StoredTensor: @unchecked Sendable {
  /// Its name; in a ``Checkpoint`` the canonical one.
  package let name: String
  /// Its shape, outermost first; empty for a single number.
  package let shape: [Int]
  /// Its number format.
  package let dtype: TensorType
  /// Its numbers, in row-major order; valid while this value or another one of the same file exists.
  package let bytes: UnsafeRawBufferPointer
  private let owner: MappedFile

  init(name: String, shape: [Int], dtype: TensorType, bytes: UnsafeRawBufferPointer, owner: MappedFile) {
    self.name = name
    self.shape = shape
    self.dtype = dtype
    self.bytes = bytes
    self.owner = owner
  }

  /// The number of elements.
  package var count: Int { bytes.count / dtype.byteCount }

  /// Writes all numbers as `Float`.
  ///
  /// - Precondition: `target` has exactly ``count`` elements.
  package func copy(into target: UnsafeMutableBufferPointer<Float>) {
    precondition(target.count == count, "the target of '\(name)' has \(target.count) places for \(count) numbers")
    copy(0..<count, into: target)
  }

  /// Writes some of the numbers, by their positions in ``bytes``, as `Float`.
  package func copy(_ range: Range<Int>, into target: UnsafeMutableBufferPointer<Float>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "the range lies outside of '\(name)'")
    precondition(target.count >= range.count, "the target has no room for the range")
    guard let start = target.baseAddress, !range.isEmpty else { return }
    let size = dtype.byteCount
    let part = UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * size..<range.upperBound * size])
    NumberConversion.widen(part, dtype, into: start)
    withExtendedLifetime(owner) {}
  }

  /// Lets the system take back the memory of the numbers; they are read from the file again when they are accessed.
  package func release() { owner.release(bytes) }

  /// The numbers as an array, for small tensors.
  package var floats: [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      copy(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// Whether no number is NaN or infinite; reads the whole tensor.
  package var isFinite: Bool {
    defer { withExtendedLifetime(owner) {} }
    return NumberConversion.isFinite(bytes, dtype)
  }

  /// Calls `body` with the stored BF16 numbers, or returns nil for a tensor of another type.
  package func withBFloat16<Result>(_ body: (UnsafeBufferPointer<UInt16>) throws -> Result) rethrows -> Result? {
    guard dtype == .bfloat16 else { return nil }
    defer { withExtendedLifetime(owner) {} }
    return try body(bytes.bindMemory(to: UInt16.self))
  }

  /// The same tensor under another name.
  func renamed(_ name: String) -> StoredTensor {
    StoredTensor(name: name, shape: shape, dtype: dtype, bytes: bytes, owner: owner)
  }
}
