// SPDX-License-Identifier: Apache-2.0

/// Which differences from what a run was started with do not keep it from going on.
public enum AcceptedChanges: String, Sendable, CaseIterable {
  /// None that can change a byte.
  case none
  /// Another kind of machine: the run goes on with other roundings.
  case machine
  /// Any.
  case all
}
