// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// Writes the batch in its present state next to the run, for people to read, and changes nothing.
package struct TapStage: Stage {
  /// The description of this component.
  package static let about = ComponentAbout(
    name: "tap", summary: "Writes the batch as it is at this place to the run's taps")

  /// The options.
  package struct Options: ComponentOptions {
    package var name = ""

    /// The defaults.
    package init() {}

    /// The help for each option.
    package static let help = ["name": "the name of the tap; empty for the stage's own name"]

    /// The problems of the values.
    package func problems() -> [OptionProblem] {
      let isSafe = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
      return isSafe && name.first != "."
        ? []
        : [
          OptionProblem(
            "name", "is '\(name)', it may hold letters, digits, '-', '_' and '.', and not start with '.'")
        ]
    }
  }

  /// Nothing.
  package let reads: Set<Field> = []
  /// Nothing.
  package let writes: Set<Field> = []
  private let options: Options

  /// Makes the stage.
  package init(options: Options = Options(), assembly: Assembly) { self.options = options }

  /// Passes the batch to the run.
  ///
  /// - Throws: When it cannot be written.
  package func run(_ batch: inout TrajectoryBatch, in context: StageContext) async throws {
    try await context.tap(batch, name: options.name.isEmpty ? context.stage : options.name)
  }
}
