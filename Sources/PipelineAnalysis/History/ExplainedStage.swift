// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineRuntime
import PipelineSpec

/// A stage of a finished run, made again to explain what it did.
struct ExplainedStage: Sendable {
  /// Its name in the spec.
  let name: String
  /// The registered name.
  let use: String
  /// Its description; nil if nothing is registered under its name.
  let about: ComponentAbout?
  /// The stage; nil if it cannot be made here.
  let stage: (any Stage)?
  /// What the registry lacks to make it.
  let lacksComponent: Bool

  /// Makes the stage from its entry in the resolved spec; it is not run.
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

  /// Whether passing trajectories get a line: the stage drops some, or has an explanation.
  var canDrop: Bool { about.map { !$0.rules.isEmpty } ?? true }

  /// Whether the stage writes advantages.
  var writesAdvantage: Bool { stage?.writes.contains(.advantage) ?? false }

  /// Whether a trajectory has something that the stage writes.
  func wrote(to entry: LineageEntry) -> Bool {
    guard let writes = stage?.writes else { return false }
    return writes.contains(.advantage) && entry.advantage != nil || writes.contains(.pair) && entry.pair != nil
      || writes.contains(.draws) && entry.draws != nil || writes.contains(.lossWeight) && entry.lossWeight != nil
  }

  /// Why the stage, or the run in its name, drops by a rule; nil if that is unknown.
  func reason(for rule: String) -> String? {
    if let own = RunReference.waveRule(rule), let policy = stage?.waves?.policy {
      return type(of: policy).about.rule(own)?.reason
    }
    return about?.rule(rule)?.reason ?? RunReference.rules.rule(rule)?.reason
  }
}
