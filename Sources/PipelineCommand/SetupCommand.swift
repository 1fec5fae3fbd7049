// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PipelineIO

/// `shuffle-r1 setup`.
struct SetupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "setup",
    abstract: "Install what an optional part of the program needs.",
    discussion: """
        shuffle-r1 setup parquet

      makes a Python environment with pyarrow, for files of parquet and Arrow and folders of `datasets`, in \
      $XDG_DATA_HOME/shuffle-r1 (~/.local/share/shuffle-r1). Another Python that has pyarrow is named in \
      \(ColumnProgram.variable).
      """)

  /// What can be set up.
  enum Part: String, ExpressibleByArgument, CaseIterable {
    case parquet
  }

  @Argument(help: ArgumentHelp("What to set up.", valueName: "part"))
  var part: Part

  func run() throws {
    switch part {
    case .parquet:
      try ColumnProgram.install { Terminal.say($0) }
      Terminal.say("parquet and Arrow can be read now")
    }
  }
}
