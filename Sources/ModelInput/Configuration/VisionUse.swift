// SPDX-License-Identifier: Apache-2.0

/// Which part of a policy's vision tower is trained.
package enum VisionUse: String, Sendable, Hashable, CaseIterable, Codable {
  /// Its weights do not change.
  case frozen
  /// What joins it to the decoder is trained: its merger, and no block.
  case projector
  /// It is trained with the other weights.
  case trained

  /// The help for the option.
  package static let help =
    "what of the vision tower is trained: nothing (frozen), as in the paper; what joins it to the decoder (projector); or all of "
    + "it (trained)"
}
