// SPDX-License-Identifier: Apache-2.0

/// A trainer whose configurations are converted.
package enum Peer: String, Sendable, Hashable, CaseIterable {
  case easyR1 = "EasyR1"
  case shuffleR1 = "Shuffle-R1"
  case verl = "verl"
  case trl = "TRL"
}
