// SPDX-License-Identifier: Apache-2.0
import PipelineCore

extension Trajectory {
  /// The numbers in a field such as `logprobs`, one for each token.
  ///
  /// - Throws: When there are none, or a different number of them, or something else.
  func numbers(of field: Field, count: Int) throws -> [Double] {
    guard let elements = try value(of: field)?.arrayValue else {
      throw PipelineError(.invalidData, "the record has no array '\(field)'")
    }
    guard elements.count == count else {
      throw PipelineError(.invalidData, "'\(field)' holds \(elements.count) numbers for \(count) tokens")
    }
    return try elements.map { element in
      guard let number = element.doubleValue else {
        throw PipelineError(
          .invalidData, "'\(field)' must be an array of numbers, found \(element.json.shortenedForMessage) in it")
      }
      return number
    }
  }

  /// Whether each token is trained on, by `loss_mask`; all are if there is none.
  ///
  /// - Throws: When `loss_mask` is not an array of 0, 1, true and false with one element for each token.
  func lossMask(count: Int) throws -> [Bool] {
    guard let value = try value(of: .lossMask), value != .null else { return Array(repeating: true, count: count) }
    guard let elements = value.arrayValue, elements.count == count else {
      throw PipelineError(.invalidData, "'loss_mask' must be an array with an element for each of \(count) tokens")
    }
    return try elements.map { element in
      if case .bool(let flag) = element { return flag }
      switch element.doubleValue {
      case 0: return false
      case 1: return true
      default:
        throw PipelineError(
          .invalidData, "'loss_mask' must hold 0 and 1, found \(element.json.shortenedForMessage)")
      }
    }
  }
}
