// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Tensor

/// The format of the decoder's weights when responses are sampled; log-probabilities and updates use single precision.
package enum RolloutWeights: String, Codable, Sendable, Hashable, CaseIterable {
  /// As they are.
  case float32
  /// Rounded to bfloat16: eight bits of precision in place of 24, half the memory to read for a token.
  case bfloat16
  /// Rounded to whole numbers of −127…127 with a scale for each output: a quarter of the memory to read.
  case int8

  var format: WeightFormat {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    case .int8: .int8
    }
  }

  /// Bytes for a weight, in addition to the weights themselves.
  var byteCount: Int {
    switch self {
    case .float32: 0
    case .bfloat16: 2
    case .int8: 1
    }
  }
}
