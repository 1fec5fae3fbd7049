// SPDX-License-Identifier: Apache-2.0

/// What this package is.
public enum Toolkit {
  /// The version of the package, which `shuffle-r1 --version` prints and a run's `resolved.json` names.
  public static let version = "0.1.0"
}
