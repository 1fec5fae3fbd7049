// SPDX-License-Identifier: Apache-2.0

/// What a sampler remembers from step to step: a number for each prompt in each of a few columns, and some single values.
///
/// It is saved with the run's state, and restored by a resume.
public struct SamplerMemory: Sendable, Equatable {
  /// The number of prompts.
  public let count: Int
  /// The columns by their names; NaN for a prompt of which nothing is known.
  public private(set) var columns: [String: [Double]] = [:]
  /// Values that belong to no prompt, by their names.
  public var scalars: [JSONValue.Member] = []

  /// Remembers nothing.
  ///
  /// - Parameter count: The number of prompts in the pool.
  public init(count: Int) { self.count = count }

  /// The number in a column for a prompt; nil where nothing is known.
  public subscript(column: String, index: Int) -> Double? {
    get { columns[column].flatMap { $0[index].isNaN ? nil : $0[index] } }
    set {
      precondition(index >= 0 && index < count, "an index into the pool")
      if columns[column] == nil {
        if newValue == nil { return }
        columns[column] = [Double](repeating: .nan, count: count)
      }
      columns[column]?[index] = newValue ?? .nan
    }
  }

  /// A whole column; NaN where nothing is known.
  public func column(_ name: String) -> [Double] { columns[name] ?? [Double](repeating: .nan, count: count) }

  /// Replaces a column; nil removes it.
  ///
  /// - Precondition: It has a number for each prompt.
  public mutating func setColumn(_ name: String, _ values: [Double]?) {
    precondition(values.map { $0.count == count } ?? true, "a number for each prompt")
    columns[name] = values
  }

  /// A single value.
  public subscript(value name: String) -> JSONValue? {
    get { scalars.first { $0.key == name }?.value }
    set {
      let index = scalars.firstIndex { $0.key == name }
      switch (index, newValue) {
      case (let index?, let value?): scalars[index].value = value
      case (let index?, nil): scalars.remove(at: index)
      case (nil, let value?): scalars.append(.init(name, value))
      case (nil, nil): break
      }
    }
  }

  /// A single number.
  public func number(_ name: String) -> Double? { self[value: name]?.doubleValue }

  /// Sets a single number.
  public mutating func set(_ name: String, _ value: Double) { self[value: name] = .number(value) }

  /// Equal with the same numbers, NaN included.
  public static func == (left: SamplerMemory, right: SamplerMemory) -> Bool {
    left.count == right.count && left.scalars == right.scalars
      && left.columns.mapValues { $0.map(\.bitPattern) } == right.columns.mapValues { $0.map(\.bitPattern) }
  }
}
