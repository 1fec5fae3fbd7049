// SPDX-License-Identifier: Apache-2.0

/// Lists.
protocol ListOption {
  /// The type of the elements.
  static var elementType: Any.Type { get }
}

extension Array: ListOption {
  static var elementType: Any.Type { Element.self }
}

extension Optional: OptionalOption {
  static var wrappedType: Any.Type { Wrapped.self }
}

/// Options that may be absent.
protocol OptionalOption {
  /// The type of the value if it is present.
  static var wrappedType: Any.Type { get }
}
