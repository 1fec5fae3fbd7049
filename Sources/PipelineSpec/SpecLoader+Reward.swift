// SPDX-License-Identifier: Apache-2.0
public import PipelineCore

extension SpecLoader {
  /// Makes the `reward` stage with one reward function, as a command that scores alone wants it.
  ///
  /// - Parameters:
  ///   - function: The reward function's registered name, the argument of `--reward`.
  ///   - options: The argument of `--with`, JSON or YAML; blank for the defaults.
  ///   - part: What the score is called in `rewards`.
  ///   - registry: The components that can be named.
  public static func rewardStage(
    _ function: String, with options: String = "", named part: String, registry: Registry
  ) throws -> any Stage {
    do {
      let place = SourceLocation(file: "--reward", line: 1, column: 1)
      func tree(_ node: OptionTree.Node) -> OptionTree { OptionTree(node, at: place) }
      var entries = [
        OptionTree.Entry(key: "use", location: place, value: tree(.string(function))),
        OptionTree.Entry(key: "name", location: place, value: tree(.string(part))),
      ]
      if !options.allSatisfy(\.isWhitespace) {
        let with = try SpecText(options, file: "--with").tree()
        entries.append(OptionTree.Entry(key: "with", location: with.location, value: with))
      }
      let functions = OptionTree.Entry(key: "functions", location: place, value: tree(.list([tree(.table(entries))])))
      let assembly = Assembly(registry: registry, reader: SpecOptionsReader())
      return try assembly.stage(ComponentReference("reward", with: tree(.table([functions]))))
    } catch let error as PipelineError {
      throw PipelineErrors([error])
    }
  }
}
