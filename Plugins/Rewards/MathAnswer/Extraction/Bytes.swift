// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension [UInt8] {
  /// Whether it ends with the literal.
  func ends(with literal: StaticString) -> Bool { self[...].ends(with: literal) }
}

extension ArraySlice<UInt8> {
  /// Whether the literal, in lower case, stands at a position in any case.
  func holdsWord(_ literal: StaticString, at position: Int) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position >= startIndex, count <= endIndex - position else { return false }
    for offset in 0..<count where self[position + offset].lowercased != literal.utf8Start[offset] { return false }
    return true
  }

  /// Whether it ends with the literal.
  func ends(with literal: StaticString) -> Bool {
    count >= literal.utf8CodeUnitCount && holds(literal, at: endIndex - literal.utf8CodeUnitCount)
  }

  /// The slice without a full stop, emphasis and space at its end.
  var withoutStop: ArraySlice<UInt8> {
    var rest = self
    while let byte = rest.last {
      if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*") || byte.isSpace {
        rest.removeLast()
      } else if rest.ends(with: "。") {
        rest.removeLast(3)
      } else {
        break
      }
    }
    return rest
  }
}
