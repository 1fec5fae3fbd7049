// SPDX-License-Identifier: Apache-2.0

/// The number format of a stored tensor, named as in safetensors files.
package enum TensorType: String, Sendable, CaseIterable {
  /// IEEE single precision.
  case float32 = "F32"
  /// IEEE half precision.
  case float16 = "F16"
  /// The upper half of single precision.
  case bfloat16 = "BF16"

  /// Bytes of one number.
  package var byteCount: Int { self == .float32 ? 4 : 2 }

  /// The name in a `config.json`.
  var configName: String {
    switch self {
    case .float32: "float32"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    }
  }

  /// All names, for messages.
  static let supported = "F32, F16 and BF16"
}
