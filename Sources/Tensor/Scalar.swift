// SPDX-License-Identifier: Apache-2.0
public import CKernels

/// What the engine computes with: `Float` in use, `Double` where gradients are held against finite differences.
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
