// SPDX-License-Identifier: Apache-2.0
public import CKernels

/// The engine's element type: `Float` in use, `Double` where gradients are compared with finite differences.
public protocol Scalar: BinaryFloatingPoint, Sendable {
  /// The type as the kernels name it.
  static var kernelType: ck_type { get }
}

extension Float: Scalar {
  /// Single precision.
  public static var kernelType: ck_type { CK_FLOAT }
}

extension Double: Scalar {
  /// Double precision.
  public static var kernelType: ck_type { CK_DOUBLE }
}
