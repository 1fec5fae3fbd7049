// SPDX-License-Identifier: Apache-2.0
import Foundation
import PipelineCore

/// What to do with each key of a record, looked up by its bytes: records of a file mostly have the same keys in the same order.
struct KeyPlans {
  /// What a key's value becomes.
  enum Plan {
    case ignored, prompt, images, response, tokens, answer
    /// A column, if the value is a number, a text or a truth value.
    case scalar(String)
  }

  private struct Known {
    let key: [UInt8]
    let plan: Plan
  }

  private var known: [Known] = []
  /// The position in `known` of the key at each place of the last record.
  private var order: [Int] = []
  private static let longestName = 80

  /// The plan for a key, in quotes, at a place of the record.
  mutating func plan(for key: UnsafeRawBufferPointer, at place: Int) -> Plan {
    if place < order.count, Self.isSame(known[order[place]].key, key) { return known[order[place]].plan }
    if let position = known.firstIndex(where: { Self.isSame($0.key, key) }) {
      note(position, at: place)
      return known[position].plan
    }
    let plan = Self.newPlan(for: key)
    // Keys that are data come in any number; they are looked at again each time.
    guard known.count < 256 else { return plan }
    known.append(Known(key: Array(key), plan: plan))
    note(known.count - 1, at: place)
    return plan
  }

  private mutating func note(_ position: Int, at place: Int) {
    if place < order.count { order[place] = position } else if place == order.count { order.append(position) }
  }

  private static func isSame(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    return left.withUnsafeBytes { left in
      guard let start = left.baseAddress, let other = right.baseAddress else { return true }
      return memcmp(start, other, right.count) == 0
    }
  }

  private static func newPlan(for key: UnsafeRawBufferPointer) -> Plan {
    guard let name = (try? JSONValue(parsing: key))?.stringValue, name.utf8.count <= longestName else {
      return .ignored
    }
    switch Field(name) {
    case .prompt: return .prompt
    case .images: return .images
    case .response: return .response
    case .tokens: return .tokens
    case .answer: return .answer
    case .finish, .policyVersion: return .scalar(name)
    case let field: return Field.reserved.contains(field) ? .ignored : .scalar(name)
    }
  }
}
