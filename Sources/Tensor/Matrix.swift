// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A row-major matrix; copies share their elements.
package struct Matrix<S: Scalar> {
  /// The number of rows.
  package let rows: Int
  /// The number of columns.
  package let columns: Int
  /// The first element.
  package let pointer: UnsafeMutablePointer<S>
  private let owner: Storage

  /// A matrix with uninitialized elements.
  package init(rows: Int, columns: Int, pool: MemoryPool) {
    owner = Storage(bytes: max(1, rows * columns) * MemoryLayout<S>.stride, pool: pool)
    pointer = owner.pointer.bindMemory(to: S.self, capacity: max(1, rows * columns))
    self.rows = rows
    self.columns = columns
  }

  private init(rows: Int, columns: Int, pointer: UnsafeMutablePointer<S>, owner: Storage) {
    self.rows = rows
    self.columns = columns
    self.pointer = pointer
    self.owner = owner
  }

  /// The number of elements.
  package var count: Int { rows * columns }

  /// The elements, row by row.
  package var elements: UnsafeMutableBufferPointer<S> { UnsafeMutableBufferPointer(start: pointer, count: count) }

  /// The elements as an array.
  package var array: [S] { Array(elements) }

  /// The same elements in another shape of the same size.
  package func reshaped(rows: Int, columns: Int) -> Matrix {
    precondition(rows * columns == count, "a matrix of \(count) elements cannot become \(rows) × \(columns)")
    return Matrix(rows: rows, columns: columns, pointer: pointer, owner: owner)
  }

  /// Some of the rows, sharing their elements.
  package func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
    return Matrix(rows: range.count, columns: columns, pointer: pointer + range.lowerBound * columns, owner: owner)
  }

  /// Makes every element 0.
  package func clear() { memset(pointer, 0, count * MemoryLayout<S>.stride) }

  /// Takes elements, row by row.
  package func fill(_ values: some Sequence<S>) {
    _ = elements.update(from: values)
  }
}
