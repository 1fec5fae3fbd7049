// SPDX-License-Identifier: Apache-2.0

/// What a wave policy may use from its environment.
public struct WaveContext: Sendable {
  /// The policy's registered name, which its draws are keyed by.
  public let policy: String
  /// The number of the wave that was made last, from 0.
  public let wave: Int
  /// The rollouts that a group is to have in the end: the option `n` of `rollout`.
  public let n: Int
  /// The step.
  public let step: Int
  /// The seed of the run.
  public let seed: UInt64
  private let log: @Sendable ([String]) async throws -> Void

  /// A context for the decisions after one wave.
  ///
  /// - Parameter log: Keeps lines that a program wrote to its standard error.
  public init(
    policy: String, wave: Int, n: Int, step: Int = 0, seed: UInt64 = 1,
    log: @escaping @Sendable ([String]) async throws -> Void = { _ in }
  ) {
    self.policy = policy
    self.wave = wave
    self.n = n
    self.step = step
    self.seed = seed
    self.log = log
  }

  /// Random draws that belong to a group, by its id, in this wave of this step, independent of when they are made.
  public func random(_ group: String) -> PhiloxGenerator {
    PhiloxGenerator(
      seed: seed, purpose: "waves " + policy,
      position: (UInt64(bitPattern: Int64(step)), PhiloxGenerator.hash(group), UInt64(wave)))
  }

  /// Keeps lines that another program wrote to its standard error, in the run's `logs`.
  public func keep(_ lines: [String]) async throws { if !lines.isEmpty { try await log(lines) } }
}
