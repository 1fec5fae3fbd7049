// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// A command that starts a peer's training: which peer's, and its arguments.
struct TrainingCommand {
  let peer: Peer
  /// What is started: a module or a script.
  let program: String
  /// The words after it.
  let arguments: [String]
  /// The number of processes that a launcher starts on each machine, if it says so.
  var processes: Int?

  /// Reads the words of a command; nil if they start something else.
  init?(_ words: [String]) {
    if let index = words.firstIndex(of: "-m"), index + 1 < words.count, let peer = Self.peer(ofModule: words[index + 1])
    {
      (self.peer, program) = (peer, words[index + 1])
      arguments = Array(words[(index + 2)...])
      return
    }
    if let index = words.firstIndex(where: { $0 == "trl" || $0.hasSuffix("/trl") }), index + 1 < words.count {
      guard words[index + 1] == "grpo" else { return nil }
      (peer, program) = (.trl, "trl grpo")
      arguments = Array(words[(index + 2)...])
      processes = Self.processes(arguments)
      return
    }
    guard let index = words.firstIndex(where: { $0.hasSuffix(".py") }) else { return nil }
    let rest = Array(words[(index + 1)...])
    let name = words[index].split(separator: "/").last.map(String.init) ?? words[index]
    if name.hasPrefix("main_ppo") || name.hasPrefix("main_dapo") {
      (peer, program, arguments) = (.verl, words[index], rest)
    } else if Self.looksLikeTRL(words[..<index], rest) {
      (peer, program, arguments) = (.trl, words[index], rest)
      processes = Self.processes(Array(words[..<index]))
    } else {
      return nil
    }
  }

  private static func peer(ofModule module: String) -> Peer? {
    switch module {
    case "shuffle_r1.main": .shuffleR1
    case "verl.trainer.main": .easyR1
    case _ where module.hasSuffix("main_ppo") || module.hasSuffix("main_dapo") || module.hasSuffix("async_main"): .verl
    default: nil
    }
  }

  /// TRL's scripts take its arguments' names as options.
  private static func looksLikeTRL(_ before: ArraySlice<String>, _ arguments: [String]) -> Bool {
    let names = Set(arguments.filter { $0.hasPrefix("--") }.map { $0.dropFirst(2).prefix { $0 != "=" } })
    let known: Set<Substring> = [
      "model_name_or_path", "learning_rate", "num_generations", "per_device_train_batch_size", "max_completion_length",
      "dataset_name", "beta", "reward_funcs",
    ]
    return !names.isDisjoint(with: known)
  }

  private static func processes(_ words: [String]) -> Int? {
    for (index, word) in words.enumerated() {
      for option in ["--num_processes", "--nproc_per_node", "--nproc-per-node"] {
        if word == option, index + 1 < words.count { return Int(words[index + 1]) }
        if word.hasPrefix(option + "=") { return Int(word.dropFirst(option.count + 1)) }
      }
    }
    return nil
  }
}
