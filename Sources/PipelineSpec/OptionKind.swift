// SPDX-License-Identifier: Apache-2.0

/// Lists.
protocol ListOption {
  /// What the elements are.
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
  /// What stands there when it is present.
  static var wrappedType: Any.Type { get }
}
