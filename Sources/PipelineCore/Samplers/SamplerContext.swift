// SPDX-License-Identifier: Apache-2.0

/// What a sampler may use from its environment.
public struct SamplerContext: Sendable {
  /// The sampler's registered name, which its draws are keyed by.
  public let sampler: String
  /// The step.
  public let step: Int
  /// 0 for the step's first prompts; then the number of times that more were asked for.
  public let attempt: Int
  /// The seed of the run.
  public let seed: UInt64
  /// Collects metrics and warnings.
  public let report: StageReport
  private let log: @Sendable ([String]) async throws -> Void

  /// A context for one choice, or for what is learnt from one step.
  ///
  /// - Parameter log: Keeps lines that a program wrote to its standard error.
  public init(
    sampler: String, step: Int = 0, attempt: Int = 0, seed: UInt64 = 1, report: StageReport = StageReport(),
    log: @escaping @Sendable ([String]) async throws -> Void = { _ in }
  ) {
    self.sampler = sampler
    self.step = step
    self.attempt = attempt
    self.seed = seed
    self.report = report
    self.log = log
  }

  /// Random draws that belong to this step, attempt and position, independent of when they are made.
  ///
  /// - Parameters:
  ///   - first: A coordinate, usually a prompt's ``PromptPool/key(_:)``.
  ///   - second: A second coordinate.
  public func random(_ first: UInt64 = 0, _ second: UInt64 = 0) -> PhiloxGenerator {
    // Steps stay far below 2^40, so that no attempt meets another step.
    let time = UInt64(bitPattern: Int64(step)) | UInt64(bitPattern: Int64(attempt)) << 40
    return PhiloxGenerator(seed: seed, purpose: "sampler " + sampler, position: (time, first, second))
  }

  /// Keeps lines that another program wrote to its standard error, in the run's `logs`.
  public func keep(_ lines: [String]) async throws { if !lines.isEmpty { try await log(lines) } }
}
