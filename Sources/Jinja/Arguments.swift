// SPDX-License-Identifier: Apache-2.0

/// The arguments of a call.
struct Arguments {
  var positional: [Item] = []
  var named: [(name: Text, value: Item)] = []

  var isEmpty: Bool { positional.isEmpty && named.isEmpty }

  /// The arguments in the order of a function's parameters; nil where one is not given.
  ///
  /// - Throws: When there are too many, one is given twice, unknown, or required and missing.
  func bound(_ function: String, _ parameters: [StaticString], required: Int = 0) throws(TemplateError) -> [Item?] {
    guard positional.count <= parameters.count else {
      throw TemplateError(
        .type,
        "\(function)() takes at most \(parameters.count) arguments (\(positional.count) given)")
    }
    var values: [Item?] = positional + Array(repeating: nil, count: parameters.count - positional.count)
    for (name, value) in named {
      guard let place = parameters.firstIndex(where: { $0.description == name.string }) else {
        throw TemplateError(.type, "\(function)() got an unexpected keyword argument '\(name.string)'")
      }
      guard values[place] == nil else {
        throw TemplateError(.type, "\(function)() got multiple values for argument '\(name.string)'")
      }
      values[place] = value
    }
    if let missing = values.prefix(required).firstIndex(where: { $0 == nil }) {
      throw TemplateError(.type, "\(function)() is missing its argument '\(parameters[missing])'")
    }
    return values
  }
}
