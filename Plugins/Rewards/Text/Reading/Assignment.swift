// SPDX-License-Identifier: Apache-2.0

/// The pairing of rows with columns whose values add up to the most (Kuhn and Munkres, with potentials).
///
/// - Parameter values: For each row the value of each column; rows of equal length.
/// - Returns: For each row its column, or nil for rows that are left over; O(rows · columns · the smaller of the two).
package func bestAssignment(_ values: [[Double]]) -> [Int?] {
  let columns = values.first?.count ?? 0
  if values.count > columns {
    // The columns look for rows.
    var result = [Int?](repeating: nil, count: values.count)
    let turned = (0..<columns).map { column in values.map { $0[column] } }
    for (column, row) in bestAssignment(turned).enumerated() { if let row { result[row] = column } }
    return result
  }
  var rowPotential = [Double](repeating: 0, count: values.count + 1)
  var columnPotential = [Double](repeating: 0, count: columns + 1)
  // Of column 1 + c, the row 1 + r that has it; 0 for none. Column 0 holds the row that is being placed.
  var owner = [Int](repeating: 0, count: columns + 1)
  for row in 1..<values.count + 1 {
    owner[0] = row
    var least = [Double](repeating: .infinity, count: columns + 1)
    var cameFrom = [Int](repeating: 0, count: columns + 1)
    var isDone = [Bool](repeating: false, count: columns + 1)
    var column = 0
    repeat {
      isDone[column] = true
      let current = owner[column]
      var step = Double.infinity
      var next = 0
      for candidate in 1..<columns + 1 where !isDone[candidate] {
        let cost = -values[current - 1][candidate - 1] - rowPotential[current] - columnPotential[candidate]
        if cost < least[candidate] { (least[candidate], cameFrom[candidate]) = (cost, column) }
        if least[candidate] < step { (step, next) = (least[candidate], candidate) }
      }
      for candidate in 0..<columns + 1 {
        if isDone[candidate] {
          rowPotential[owner[candidate]] += step
          columnPotential[candidate] -= step
        } else {
          least[candidate] -= step
        }
      }
      column = next
    } while owner[column] != 0
    while column != 0 {
      owner[column] = owner[cameFrom[column]]
      column = cameFrom[column]
    }
  }
  var result = [Int?](repeating: nil, count: values.count)
  for column in 1..<columns + 1 where owner[column] > 0 { result[owner[column] - 1] = column - 1 }
  return result
}
