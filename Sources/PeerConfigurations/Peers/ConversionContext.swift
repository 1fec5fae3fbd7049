// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// What a conversion works with: the peer's settings, what is found out on the way, and the recipe that results.
struct ConversionContext {
  var settings: Settings
  var findings: Findings
  var recipe: Recipe
  let surroundings: Surroundings

  /// Adds what differs, if the setting is given.
  mutating func differs(_ path: String, _ reason: String) {
    guard settings.has(path) else { return }
    settings.use(path)
    findings.differs(path, settings.givenValue(path), reason)
  }

  /// Adds what changes nothing, if the setting is given.
  mutating func silent(_ path: String, _ reason: String) {
    guard settings.has(path) else { return }
    settings.use(path)
    findings.silent(path, settings.givenValue(path), reason)
  }

  /// Sets the name of project and experiment.
  mutating func setName() {
    recipe.name = ["trainer.project_name", "trainer.experiment_name"].compactMap { settings.text($0) }
  }

  /// A path in the spec for a file that the configuration names, and whether it is there.
  func file(_ path: String) -> (path: String, exists: Bool) {
    surroundings.find(path).map { (surroundings.specPath($0), true) } ?? (path, false)
  }

  /// Files of prompts, with a remark on each that is not here.
  mutating func prompts(_ key: String, as option: String) -> [String] {
    settings.texts(key).flatMap { text -> [String] in
      let file = file(text)
      let parts = file.exists ? [] : surroundings.files(ofSplit: text)
      if !parts.isEmpty { return parts.map(surroundings.specPath) }
      if let remark = PeerNames.remark(onPrompts: text, exists: file.exists) {
        findings.supply(option, .string(text), remark)
      }
      return [file.path]
    }
  }

  /// Sets the model, with a remark if it cannot be opened here.
  mutating func setModel(_ key: String) {
    guard let name = settings.text(key) else {
      findings.supply(
        "policy.with.model", nil, "\(recipe.peer.rawValue)'s configuration names no model; name its folder")
      return
    }
    let folder = file(name)
    recipe.model = folder.path
    let remark = PeerNames.remark(onModel: name, exists: folder.exists, isBundled: recipe.lora.isEmpty)
    if let remark { findings.supply("policy.with.model", .string(name), remark) }
  }

  /// The minibatches of a batch, both given in prompts.
  func minibatches(_ groups: Int?, _ mini: Int?) -> Int? {
    guard let groups, let mini, mini >= 1, groups >= 1 else { return nil }
    return max(1, (groups + mini - 1) / mini)
  }

  /// The learning rate's schedule, whose steps are those of the run, as in EasyR1 and verl.
  func schedule(
    rate: Double?, warmUpSteps: Int?, warmUpRatio: Double?, shape: String, leastShare: Double?
  ) -> JSONValue {
    var members: Members = []
    members.set("rate", rate.map { .number($0) })
    if shape != "constant" { members.set("shape", .string(shape)) }
    if let warmUpSteps, warmUpSteps > 0 {
      members.set("warm_up_steps", .number(warmUpSteps))
    } else if warmUpSteps ?? -1 < 0, let warmUpRatio, warmUpRatio > 0 {
      members.set("warm_up_ratio", .tidy(warmUpRatio))
    }
    if shape != "constant", let leastShare, leastShare > 0 { members.set("least_share", .tidy(leastShare)) }
    if members.count > 1 { members.set("counts", "steps") }
    return .object(members)
  }

  /// AdamW's settings.
  mutating func optimizer(betas: String, weightDecay: String, gradientNorm: Double?) throws -> JSONValue {
    var members: Members = []
    let values = settings.value(betas)?.arrayValue?.compactMap { Double($0.scalarText ?? "") } ?? []
    if values.count == 2 {
      members.set("beta1", .number(values[0]))
      members.set("beta2", .number(values[1]))
    }
    members.set("weight_decay", try settings.number(weightDecay).map { .number($0) })
    members.set("max_gradient_norm", gradientNorm.map { .number($0) })
    return .object(members)
  }
}
