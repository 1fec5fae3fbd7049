// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import PipelineSpec

/// A stage of a run that is over, made once more to say what it did.
struct ExplainedStage: Sendable {
  /// Its name in the spec.
  let name: String
  /// The registered name.
  let use: String
  /// What it says of itself; nil where nothing is registered under its name.
  let about: ComponentAbout?
  /// The stage; nil where it cannot be made here.
  let stage: (any Stage)?
  /// What the registry lacks to make it.
  let lacksComponent: Bool

  /// Makes the stage from what the resolved spec says of it; it is not run.
  init(name: String, use: String, with options: JSONValue, folder: String, registry: Registry) {
    self.name = name
    self.use = use
    about = registry.component(.stage, use)?.about
    do {
      let assembly = Assembly(registry: registry, reader: SpecOptionsReader(), folder: folder)
      let tree = try SpecText(options.json, file: folder + "/resolved.json").tree()
      stage = try assembly.stage(ComponentReference(use, with: tree))
      lacksComponent = false
    } catch {
      stage = nil
      let codes = (error as? PipelineErrors)?.errors.map(\.code) ?? [(error as? PipelineError)?.code].compactMap { $0 }
      lacksComponent = codes.contains(.registry)
    }
  }

  /// What becomes of trajectories that pass is worth a line: some do not, or the stage has something to say.
  var canDrop: Bool { about.map { !$0.rules.isEmpty } ?? true }

  /// Whether a trajectory has something that the stage writes.
  func wrote(to entry: LineageEntry) -> Bool {
    guard let writes = stage?.writes else { return false }
    return writes.contains(.advantage) && entry.advantage != nil || writes.contains(.pair) && entry.pair != nil
      || writes.contains(.draws) && entry.draws != nil || writes.contains(.lossWeight) && entry.lossWeight != nil
  }

  /// Why the stage, or the run in its name, drops by a rule; nil where nobody here knows.
  func reason(for rule: String) -> String? {
    about?.rule(rule)?.reason ?? RunReference.rules.rule(rule)?.reason
  }
}
