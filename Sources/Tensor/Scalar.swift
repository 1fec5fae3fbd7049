// SPDX-License-Identifier: Apache-2.0
package import CKernels

/// The engine's element type: `Float` in use, `Double` where gradients are compared with finite differences.
package protocol Scalar: BinaryFloatingPoint, Sendable {
  /// The type as the kernels name it.
  static var kernelType: ck_type { get }
}

extension Float: Scalar {
  /// Single precision.
  package static var kernelType: ck_type { CK_FLOAT }
}

extension Double: Scalar {
  /// Double precision.
  package static var kernelType: ck_type { CK_DOUBLE }
}
