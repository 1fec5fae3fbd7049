// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Draws distinct units with probabilities in proportion to their weights.
///
/// Each unit gets the key `−ln(u) / W` with its own uniform `u`. Taking the smallest keys, ties by index, is equivalent
/// to drawing one by one, removing and renormalising, in the order of drawing. Units of weight 0 come after all others,
/// in the order of their random bits: uniformly.
///
/// Source: Efraimidis, Spirakis, "Weighted random sampling with a reservoir" (2006), in the form of exponential clocks,
/// because `u^(1/W)` underflows for most keys of a large batch.
package struct WeightedDraw {
  private struct Candidate {
    /// Sorts like the key that it represents: the bits of a positive `Double`, or random bits.
    let key: UInt64
    let index: Int32

    static func < (left: Candidate, right: Candidate) -> Bool {
      left.key < right.key || (left.key == right.key && left.index < right.index)
    }
  }

  private let weights: [Double]
  private let weightedCount: Int

  /// Prepares draws of units with these weights, which must be finite and not negative.
  package init(weights: [Double]) {
    self.weights = weights
    weightedCount = weights.count { $0 > 0 }
  }

  /// The indices of `count` distinct units, in the order in which they were drawn.
  ///
  /// Takes one draw from `random` for each unit, in order. Linear in the number of units on average.
  package func draw(_ count: Int, using random: PhiloxGenerator) -> [Int32] {
    var random = random
    var weighted: [Candidate] = []
    var weightless: [Candidate] = []
    weighted.reserveCapacity(weightedCount)
    weightless.reserveCapacity(weights.count - weightedCount)
    for (index, weight) in weights.enumerated() {
      let bits = random.next()
      if weight > 0 {
        let key = -logarithm(PhiloxGenerator.uniform(from: bits)) / weight
        weighted.append(Candidate(key: key.bitPattern, index: Int32(index)))
      } else {
        weightless.append(Candidate(key: bits, index: Int32(index)))
      }
    }
    var drawn = Self.smallest(count, of: &weighted)
    if drawn.count < count { drawn += Self.smallest(count - drawn.count, of: &weightless) }
    return drawn
  }

  /// The indices of the smallest candidates, ascending: quickselect, then a sort of the selection.
  private static func smallest(_ count: Int, of candidates: inout [Candidate]) -> [Int32] {
    candidates.withUnsafeMutableBufferPointer { buffer in
      var low = 0
      var high = buffer.count - 1
      while count < buffer.count, low < high {
        // Median of three; the candidates are distinct, so that both scans stop inside.
        let middle = low + (high - low) / 2
        if buffer[middle] < buffer[low] { buffer.swapAt(middle, low) }
        if buffer[high] < buffer[low] { buffer.swapAt(high, low) }
        if buffer[high] < buffer[middle] { buffer.swapAt(high, middle) }
        let pivot = buffer[middle]
        var left = low
        var right = high
        while left <= right {
          while buffer[left] < pivot { left += 1 }
          while pivot < buffer[right] { right -= 1 }
          if left <= right {
            buffer.swapAt(left, right)
            left += 1
            right -= 1
          }
        }
        if count - 1 <= right {
          high = right
        } else if count - 1 >= left {
          low = left
        } else {
          break
        }
      }
      var chosen = UnsafeMutableBufferPointer(rebasing: buffer[..<min(count, buffer.count)])
      chosen.sort { $0 < $1 }
      return chosen.map(\.index)
    }
  }
}
