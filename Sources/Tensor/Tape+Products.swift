// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The right operand of products, [depth, columns], in the layout that the kernels read: it is packed once for all parts of
/// a product, and once for all products of a weight between two changes of it.
struct PackedMatrix<S: Scalar> {
  let depth: Int
  let columns: Int
  /// As a row, since the layout has none.
  let elements: Matrix<S>
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

  /// `weightᵀ` for a weight [columns, depth], kept beside it until it changes, if it is one of those.
  func packedTranspose(of weight: Variable<S>) -> PackedMatrix<S> {
    if let known = weight.packedTranspose { return known }
    let value = weight.value
    let found = packed(
      value.pointer, stride: value.columns, isTransposed: true, depth: value.columns, columns: value.rows)
    if weight.keepsPacked { weight.packedTranspose = found }
    return found
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
      ck_gemm_packed(
        S.kernelType, a.isTransposed, r.count, b.columns, b.depth, part.lowerBound, part.count, 1,
        a.pointer + r.lowerBound * (a.isTransposed ? 1 : a.stride), a.stride, b.elements.pointer,
        bias == nil ? beta : 1, target, stride)
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
