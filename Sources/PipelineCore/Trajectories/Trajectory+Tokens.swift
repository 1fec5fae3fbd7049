// SPDX-License-Identifier: Apache-2.0

/// Per-token values of a record's response.
extension Trajectory {
  /// The numbers in a field such as `logprobs`, one for each token.
  ///
  /// - Parameter count: The number of tokens.
  /// - Throws: When there are none, another number of them, or something else.
  package func numbers(of field: Field, count: Int) throws -> [Double] {
    let values = try value(of: field)?.arrayValue ?? []
    guard values.count == count else {
      throw PipelineError(
        .invalidData,
        "'\(field)' has \(values.count) numbers for a response of \(count) tokens; it must have one for each")
    }
    return try values.map { value in
      guard let number = value.doubleValue else {
        throw PipelineError(.invalidData, "'\(field)' holds \(value.json.shortenedForMessage), it must hold numbers")
      }
      return number
    }
  }

  /// Whether each token is trained on: what `loss_mask` says, or else all are.
  ///
  /// - Parameter count: The number of tokens.
  /// - Throws: When `loss_mask` is not an array of 0, 1, true and false with an element for each token.
  package func lossMask(count: Int) throws -> [Bool] {
    guard let mask = try value(of: .lossMask), mask != .null else { return Array(repeating: true, count: count) }
    guard let elements = mask.arrayValue, elements.count == count else {
      throw PipelineError(
        .invalidData,
        "'loss_mask' must be an array of \(count) truth values, one for each token of the response, found "
          + "\(mask.arrayValue.map { "\($0.count) elements" } ?? mask.kindDescription)")
    }
    return try elements.map { element in
      if case .bool(let isTrained) = element { return isTrained }
      guard let number = element.doubleValue, number == 0 || number == 1 else {
        throw PipelineError(
          .invalidData, "'loss_mask' holds \(element.json.shortenedForMessage), it must hold true, false, 1 and 0")
      }
      return number == 1
    }
  }
}
