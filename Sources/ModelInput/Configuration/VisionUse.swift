// SPDX-License-Identifier: Apache-2.0

/// Whether a policy's vision tower is trained.
package enum VisionUse: String, Sendable, Hashable, CaseIterable, Codable {
  /// Its weights do not change.
  case frozen
  /// It is trained with the other weights.
  case trained
}
