// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import PipelineSpec

/// Reads what a user has of a peer: a configuration, a script that starts a training, a Python program.
struct ConfigurationReader {
  private(set) var peer: Peer?
  private(set) var settings = Settings()
  private(set) var findings = Findings()
  /// Training processes of TRL, which multiply its batch.
  private(set) var processes = 1
  /// Whether verl's Megatron defaults hold.
  private(set) var usesMegatron = false

  private let surroundings: Surroundings

  /// - Throws: What is wrong with the file, with its place.
  init(file: String, text: SpecText, overrides: [String], surroundings: Surroundings) throws {
    self.surroundings = surroundings
    switch Self.kind(of: file, text.bytes) {
    case .script: try readScript(String(decoding: text.bytes, as: UTF8.self), file: file)
    case .python: try readPython(String(decoding: text.bytes, as: UTF8.self), file: file)
    case .tree:
      let tree = try text.tree()
      if let script = tree.jsonValue["run"]?.stringValue, TrainingTree.peer(of: tree.jsonValue) == nil {
        // A job's description with a script in it.
        try readScript(script, file: file)
      } else {
        try readTree(tree, file: file)
      }
    }
    try apply(overrides: overrides)
  }

  private enum Kind { case script, python, tree }

  private static func kind(of file: String, _ bytes: [UInt8]) -> Kind {
    switch file.split(separator: ".").last?.lowercased() {
    case "sh", "bash", "zsh", "slurm", "sbatch": return .script
    case "py": return .python
    case "yaml", "yml", "json", "jsonc": return .tree
    default: return bytes.starts(with: Array("#!".utf8)) ? .script : .tree
    }
  }

  // Trees.

  private mutating func readTree(_ tree: OptionTree, file: String) throws {
    let value = tree.jsonValue
    guard value.objectValue != nil else {
      throw PipelineError(
        .invalidData, "the configuration is \(value.kindDescription), it must be a table of settings", at: tree.location
      )
    }
    guard let peer = TrainingTree.peer(of: value) else {
      throw PipelineError(
        .invalidData,
        "the configuration has none of 'worker', 'actor_rollout_ref', 'algorithm', 'data' and 'trainer', as EasyR1's and "
          + "verl's have, nor fields of TRL's GRPOConfig, such as 'learning_rate' and 'num_generations'",
        at: tree.location)
    }
    self.peer = peer
    try add(value, file: file)
  }

  private mutating func add(_ tree: JSONValue, file: String) throws {
    for name in TrainingTree.defaults(of: tree) {
      if name.contains("megatron") { usesMegatron = true }
      // A configuration beside this one that it builds on; verl's own are known here.
      guard name != "_self_", !name.hasPrefix("ppo_"), let found = Self.sibling(name, of: file) else { continue }
      try add(try surroundings.tree(of: found), file: found)
    }
    settings.add(TrainingTree.withoutHydra(tree))
  }

  private static func sibling(_ name: String, of file: String) -> String? {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    return Surroundings(folder: folder.isEmpty ? "." : folder).find(
      (folder.isEmpty ? "" : folder + "/") + name + ".yaml")
  }

  // Scripts.

  private mutating func readScript(_ text: String, file: String) throws {
    var script = ShellScript(text, environment: surroundings.environment, folder: ".")
    if script.commands.allSatisfy({ TrainingCommand($0) == nil }) {
      // Such as a training that only the first of several nodes starts.
      script = ShellScript(text, environment: surroundings.environment, folder: ".", unknownIsTrue: true)
    }
    let found = script.commands.compactMap { words in TrainingCommand(words) }
    guard let command = found.first else {
      let others = script.commands.filter { $0.contains { $0.contains("python") || $0 == "torchrun" } }
      let started = others.last.map { ", it starts `\($0.prefix(3).joined(separator: " "))`" } ?? ""
      throw PipelineError(
        .invalidData,
        "\(file) starts no reinforcement learning of EasyR1, Shuffle-R1, verl or TRL\(started); give the script with "
          + "`python3 -m verl.trainer.main_ppo …` or the like, or the configuration itself")
    }
    if found.count > 1 {
      findings.differs(
        file, nil, "it starts \(found.count) trainings; this is the first, `\(command.program)`")
    }
    try read(command)
  }

  private mutating func read(_ command: TrainingCommand) throws {
    peer = command.peer
    if command.peer == .trl {
      processes = command.processes ?? 1
      return try readOptions(command.arguments)
    }
    try readHydraOptions(command.arguments)
    // EasyR1's `config=FILE` is read before all others, wherever it stands.
    for word in command.arguments where word.hasPrefix("~") { settings.remove(String(word.dropFirst())) }
    let pairs = command.arguments.filter { !$0.hasPrefix("--") && !$0.hasPrefix("~") && $0.contains("=") }
    for pair in pairs where pair.hasPrefix("config=") { try readFile(String(pair.dropFirst("config=".count))) }
    for pair in pairs where !pair.hasPrefix("config=") { set(pair) }
  }

  private mutating func readFile(_ path: String) throws {
    guard let found = surroundings.find(path) else {
      return findings.supply(
        "config", .string(path),
        "the file is not here, so that the peer's own defaults stand in its place; import again "
          + "where it is")
    }
    try add(try surroundings.tree(of: found), file: found)
  }

  private mutating func readHydraOptions(_ arguments: [String]) throws {
    func option(_ names: String...) -> String? {
      for (index, word) in arguments.enumerated() {
        for name in names {
          if word == name, index + 1 < arguments.count { return arguments[index + 1] }
          if word.hasPrefix(name + "=") { return String(word.dropFirst(name.count + 1)) }
        }
      }
      return nil
    }
    guard let name = option("--config-name", "-cn") else { return }
    let file = name.hasSuffix(".yaml") ? name : name + ".yaml"
    if name.contains("megatron") { usesMegatron = true }
    let folder = option("--config-path", "-cp", "--config-dir")
    if let folder, let found = surroundings.find(folder + "/" + file) {
      try add(try surroundings.tree(of: found), file: found)
    } else if folder != nil || !file.hasPrefix("ppo_") {
      findings.supply(
        "--config-name", .string(name),
        "the file is not here, so that verl's own defaults stand in its place; import "
          + "again where it is")
    }
  }

  // Overrides.

  private mutating func apply(overrides: [String]) throws {
    var options: [String] = []
    for override in overrides {
      if override.hasPrefix("--") || !options.isEmpty && !override.contains("=") {
        options.append(override)
      } else if override.hasPrefix("~") {
        settings.remove(String(override.dropFirst()))
      } else if override.contains("=") {
        set(override)
      } else {
        throw PipelineError(
          .invalidData, "'\(override)' is no setting; write key=value, as in algorithm.adv_estimator=grpo")
      }
    }
    if !options.isEmpty { try readOptions(options) }
  }

  /// `key=value` as OmegaConf and Hydra take it; `+key=value` adds.
  private mutating func set(_ pair: String) {
    guard let equals = pair.firstIndex(of: "=") else { return }
    let key = String(pair[..<equals].drop { $0 == "+" })
    let value = SettingText.value(String(pair[pair.index(after: equals)...]))
    if value.objectValue != nil { settings.add(value, under: key) } else { settings.set(key, value) }
  }

  /// `--name value …`, `--name=value`, `--name` alone for true, as TRL's command line has them.
  private mutating func readOptions(_ words: [String]) throws {
    var index = 0
    var found: [(String, [String])] = []
    while index < words.count {
      let word = words[index]
      index += 1
      guard word.hasPrefix("--") else { continue }
      let name = word.dropFirst(2).prefix { $0 != "=" }
      var values: [String] = word.contains("=") ? [String(word.dropFirst(2 + name.count + 1))] : []
      while !word.contains("="), index < words.count, !words[index].hasPrefix("--") {
        values.append(words[index].trimmingCharacters(in: ","))
        index += 1
      }
      found.append((String(name.map { $0 == "-" ? "_" : $0 }), values))
    }
    for (name, values) in found where name == "config" { for file in values { try readFile(file) } }
    for (name, values) in found where name != "config" {
      if values.isEmpty {
        let isNegated = name.hasPrefix("no_")
        settings.set(isNegated ? String(name.dropFirst(3)) : name, .bool(!isNegated))
      } else {
        settings.set(name, values.count == 1 ? SettingText.value(values[0]) : .array(values.map(SettingText.value)))
      }
    }
  }

  // Python.

  private mutating func readPython(_ text: String, file: String) throws {
    peer = .trl
    let program = PythonText(text)
    // The command that a script's own documentation gives, and what its code sets.
    let isGRPO = text.contains("GRPOConfig") || text.contains("GRPOTrainer")
    let words =
      isGRPO ? ShellScript(program.documentation).commands.first { TrainingCommand($0)?.peer == .trl } : nil
    if let words, let command = TrainingCommand(words) {
      processes = command.processes ?? 1
      try readOptions(command.arguments)
    }
    let arguments = program.arguments(of: "GRPOConfig")
    for (name, value) in arguments ?? [] { settings.set(name, value) }
    for (name, value) in program.arguments(of: "GRPOTrainer") ?? [] {
      switch name {
      case "model": settings.set("model_name_or_path", value)
      case "reward_funcs": settings.set("reward_funcs", value)
      default: break
      }
    }
    if arguments == nil, words == nil {
      throw PipelineError(
        .invalidData,
        "\(file) holds no GRPOConfig(…), nor a command that starts it; give a Python program that trains with TRL's "
          + "GRPOTrainer, or its settings as JSON or YAML")
    }
    for name in program.unreadArguments(of: "GRPOConfig") {
      findings.differs(name, nil, "\(file) computes its value; set it as \(name)=VALUE behind the file's name")
    }
  }
}

/// What a configuration's tree tells of its peer.
enum TrainingTree {
  /// Whose it is, by its keys; nil if nobody's.
  static func peer(of tree: JSONValue) -> Peer? {
    if tree["actor_rollout_ref"] != nil { return .verl }
    let worker = tree["worker"], trainer = tree["trainer"], algorithm = tree["algorithm"]
    let isShuffleR1 =
      trainer?["experience_replay"] != nil || trainer?["total_episodes"] != nil
      || worker?["actor"]?["purning_ratio"] != nil
      || worker?["reward"]?["reward_type"]?.stringValue == "function" || tree["data"]?["system_prompt"] != nil
      || algorithm?["adv_estimator"]?.stringValue?.hasPrefix("pairwise_") == true
    if isShuffleR1 { return .shuffleR1 }
    if worker != nil || tree["data"]?["rollout_batch_size"] != nil || trainer?["val_freq"] != nil { return .easyR1 }
    let isVerl =
      tree["data"]?["train_batch_size"] != nil || tree["reward_model"] != nil || tree["custom_reward_function"] != nil
      || trainer?["test_freq"] != nil || algorithm?["use_kl_in_reward"] != nil
    if isVerl { return .verl }
    if algorithm != nil || tree["data"]?.objectValue != nil || trainer != nil { return .easyR1 }
    let fields = [
      "learning_rate", "num_generations", "per_device_train_batch_size", "model_name_or_path", "max_completion_length",
      "loss_type", "beta", "num_train_epochs", "output_dir",
    ]
    return fields.contains { tree[$0] != nil } ? .trl : nil
  }

  /// The names in Hydra's list of defaults.
  static func defaults(of tree: JSONValue) -> [String] {
    (tree["defaults"]?.arrayValue ?? []).compactMap { $0.stringValue ?? $0.objectValue?.first?.value.stringValue }
  }

  /// The tree without what is for Hydra and OmegaConf alone.
  static func withoutHydra(_ tree: JSONValue) -> JSONValue {
    guard let members = tree.objectValue else { return tree }
    return .object(
      members.filter { !["defaults", "hydra", "_target_", "env"].contains($0.key) }
        .map { .init($0.key, withoutHydra($0.value)) })
  }
}
