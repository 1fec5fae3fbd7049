// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The right operand of products, [depth, columns], in the layout that the kernels read: it is packed once for all parts of
/// a product, and once for all products of a weight between two changes of it.
package struct PackedMatrix<S: Scalar> {
  /// The number of rows.
  package let depth: Int
  /// The number of columns.
  package let columns: Int
  /// As a row, since the layout has none.
  let elements: Matrix<S>
  /// The elements in a format that takes less memory, in place of `elements`, which is empty then.
  var narrow: NarrowElements?
}

/// A weight that is there in packed form alone, for inference.
package final class PackedWeight<S: Scalar> {
  /// Its transpose.
  package let transpose: PackedMatrix<S>
  /// The same in the narrow format of the tapes that asked for one.
  fileprivate var narrow: PackedMatrix<S>?

  /// A weight.
  package init(_ transpose: PackedMatrix<S>) { self.transpose = transpose }
}

/// Elements of a packed matrix in a narrow format, with a scale for each column of one of whole numbers.
struct NarrowElements {
  let format: ck_narrow
  let storage: Storage
  let scales: Matrix<Float>

  /// c = a · b + keep · c for a part of the columns of b, the matrix of these elements.
  func multiply<S: Scalar>(
    _ a: UnsafePointer<S>, _ strideA: Int, rows: Int, _ b: PackedMatrix<S>, _ part: Range<Int>, keep: Double,
    into c: UnsafeMutablePointer<S>, _ strideC: Int
  ) {
    if format == CK_BF16_PAIRS {
      ck_gemm_bf16_pairs(
        rows, b.columns, b.depth, part.lowerBound, part.count, UnsafeRawPointer(a).assumingMemoryBound(to: Float.self),
        strideA,
        storage.pointer.assumingMemoryBound(to: UInt32.self), Float(keep),
        UnsafeMutableRawPointer(c).assumingMemoryBound(to: Float.self), strideC)
    } else {
      ck_gemm_narrow(
        S.kernelType, format, rows, b.columns, b.depth, part.lowerBound, part.count, a, strideA, storage.pointer,
        scales.pointer, keep, c, strideC)
    }
  }
}

/// The format of weights in the products of inference.
package enum WeightFormat: Sendable, Hashable {
  /// As they are.
  case float32
  /// Rounded to bfloat16.
  case bfloat16
  /// Rounded to whole numbers of −127…127, with a scale for each output.
  case int8

  /// How a matrix of that depth is packed: in pairs of rows where the processor multiplies those.
  fileprivate func packing(depth: Int) -> ck_narrow {
    if self == .int8 { return CK_INT8 }
    return InstructionSets.multipliesBFloat16 && depth.isMultiple(of: 2) ? CK_BF16_PAIRS : CK_BF16
  }
}

extension Tape {
  /// Packs `columns` columns and `depth` rows of `b`, or of its transpose, [columns, depth].
  func packed(_ b: UnsafePointer<S>, stride: Int, isTransposed: Bool, depth: Int, columns: Int) -> PackedMatrix<S> {
    let elements = matrix(1, ck_packed_count(columns, depth))
    // A quarter of a megabyte at a time, in whole pairs of tiles.
    let some = max(32, (65_536 / max(1, depth) + 31) / 32 * 32)
    workers.forEachPart(of: columns, size: some) { part in
      ck_pack(S.kernelType, isTransposed, columns, depth, part.lowerBound, part.count, b, stride, elements.pointer)
    }
    return PackedMatrix(depth: depth, columns: columns, elements: elements)
  }

  /// The transpose of a weight [columns, depth], for a weight that is used in this form alone.
  package func packedTranspose(of weight: Matrix<S>) -> PackedMatrix<S> {
    packed(weight.pointer, stride: weight.columns, isTransposed: true, depth: weight.columns, columns: weight.rows)
  }

  /// `weightᵀ` for a weight [columns, depth], kept beside it until it changes, if it is one of those; in the format of this
  /// tape, if it records nothing.
  func packedTranspose(of weight: Variable<S>) -> PackedMatrix<S> {
    if let format = weightFormat, weight.keepsPacked { return narrowTranspose(of: weight, format) }
    if let known = weight.packedTranspose { return known }
    let found = packedTranspose(of: weight.value)
    if weight.keepsPacked { weight.packedTranspose = found }
    return found
  }

  /// The same for a weight in packed form.
  func packedTranspose(of weight: PackedWeight<S>) -> PackedMatrix<S> {
    guard let format = weightFormat else { return weight.transpose }
    if let known = weight.narrow, known.narrow?.format == format.packing(depth: known.depth) { return known }
    let found = narrowed(weight.transpose, format)
    weight.narrow = found
    return found
  }

  private func narrowTranspose(of weight: Variable<S>, _ format: WeightFormat) -> PackedMatrix<S> {
    if let known = weight.narrowTranspose, known.narrow?.format == format.packing(depth: known.depth) { return known }
    let found = narrowed(packedTranspose(of: weight.value), format)
    weight.narrowTranspose = found
    return found
  }

  private func narrowed(_ packed: PackedMatrix<S>, _ format: WeightFormat) -> PackedMatrix<S> {
    guard let floats = packed.elements as? Matrix<Float> else { return packed }
    let (count, packing) = (ck_packed_count(packed.columns, packed.depth), format.packing(depth: packed.depth))
    let storage = Storage(bytes: max(1, count * (format == .int8 ? 1 : 2)), pool: pool)
    let scales = Matrix<Float>(rows: 1, columns: ck_packed_count(packed.columns, 1), pool: pool)
    workers.forEachPart(of: packed.columns, size: 64) { part in
      ck_pack_narrow(
        packing, packed.columns, packed.depth, part.lowerBound, part.count, floats.pointer, storage.pointer,
        scales.pointer)
    }
    return PackedMatrix(
      depth: packed.depth, columns: packed.columns, elements: matrix(0, 0),
      narrow: NarrowElements(format: packing, storage: storage, scales: scales))
  }

  /// The left operand of a product, or its transpose, `stride` elements from row to row.
  struct Left {
    let pointer: UnsafePointer<S>
    let stride: Int
    var isTransposed = false
  }

  /// c = a · b + beta · c for `rows` rows, `strideC` elements from row to row; with a bias, c = a · b + bias.
  func product(
    _ a: Left, _ b: PackedMatrix<S>, rows: Int, beta: Double, bias: UnsafePointer<S>? = nil,
    into c: UnsafeMutablePointer<S>, stride: Int
  ) {
    let parts = ProductParts(rows: rows, columns: b.columns, depth: b.depth)
    workers.forEach(parts.count) { index in
      let (r, part) = (parts.rows(of: index, rows), parts.columns(of: index, b.columns))
      let target = c + r.lowerBound * stride + part.lowerBound
      if let bias { ck_fill_rows(S.kernelType, r.count, part.count, bias + part.lowerBound, target, stride) }
      let (left, keep) = (a.pointer + r.lowerBound * (a.isTransposed ? 1 : a.stride), bias == nil ? beta : 1)
      if let narrow = b.narrow {
        narrow.multiply(left, a.stride, rows: r.count, b, part, keep: keep, into: target, stride)
      } else {
        ck_gemm_packed(
          S.kernelType, a.isTransposed, r.count, b.columns, b.depth, part.lowerBound, part.count, 1, left, a.stride,
          b.elements.pointer, keep, target, stride)
      }
    }
  }
}

/// How a product is divided into parts that threads share: by shape alone.
struct ProductParts {
  private let rowSize: Int
  private let columnSize: Int
  private let rowParts: Int
  private let columnParts: Int

  /// For a result [rows, columns] summed over `depth`: parts of about two million multiplications and more, or of a
  /// megabyte of the right operand, where few rows leave its reading as the work.
  init(rows: Int, columns: Int, depth: Int) {
    let wanted = min(64, max(1, rows * columns * depth / 2_000_000, columns * depth / 262_144))
    let byRow = max(1, min(wanted, rows / 48))
    let byColumn = max(1, min((wanted + byRow - 1) / byRow, columns / 64))
    // Six rows are computed together, and columns are packed in pairs of tiles.
    rowSize = Self.rounded(rows, parts: byRow, unit: 24)
    columnSize = Self.rounded(columns, parts: byColumn, unit: 32)
    rowParts = max(1, (rows + rowSize - 1) / rowSize)
    columnParts = max(1, (columns + columnSize - 1) / columnSize)
  }

  private static func rounded(_ count: Int, parts: Int, unit: Int) -> Int {
    max(unit, ((count + parts - 1) / parts + unit - 1) / unit * unit)
  }

  var count: Int { rowParts * columnParts }

  func rows(of index: Int, _ total: Int) -> Range<Int> {
    let part = index / columnParts
    return part * rowSize..<min(total, (part + 1) * rowSize)
  }

  func columns(of index: Int, _ total: Int) -> Range<Int> {
    let part = index % columnParts
    return part * columnSize..<min(total, (part + 1) * columnSize)
  }
}
