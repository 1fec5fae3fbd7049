// SPDX-License-Identifier: Apache-2.0
import PipelineCore

/// Names that several peers share, and ours.
enum PeerNames {
  /// Our estimator of the KL divergence; nil if there is none.
  static func klEstimator(_ name: String) -> String? {
    switch name {
    case "kl", "k1": "k1"
    case "abs": "abs"
    // k1+ and k3+ have the value of k1 and k3, and the gradient of k2.
    case "mse", "k2", "k1+", "k3+": "k2"
    case "low_var_kl", "k3": "k3"
    default: nil
    }
  }

  /// Our advantage estimator; nil if there is none.
  static func advantage(_ name: String, dividesByDeviation: Bool) -> String? {
    switch name {
    case "grpo", "grpo_vectorized", "pairwise_purning", "pairwise_pruning": dividesByDeviation ? "grpo" : "dr-grpo"
    case "rloo", "rloo_vectorized": "rloo"
    case "grpo_passk": "grpo-passk"
    case "opo": "opo"
    case "remax": "remax"
    case "reinforce_plus_plus": "reinforce-plus-plus"
    default: nil
    }
  }

  /// What to say of a path of prompts that cannot be read as it stands; nil if it may be a file.
  static func remark(onPrompts path: String, exists: Bool) -> String? {
    if exists { return nil }
    if ShellVariables.isUnknown(path) {
      return
        "only the shell that starts the script knows it; set the variable, or the path with --set source.prompts=FILE"
    }
    if HubName.looksLike(path) { return "a data set on a hub; download it, and name its files" }
    return path.contains("@")
      ? "a folder, and a split of the data set in it; name the files of the split"
      : "there is no such file here; name the file with the prompts"
  }

  /// What to say of a model that is named and not here; nil if it is a folder.
  static func remark(onModel name: String, exists: Bool, isBundled: Bool) -> String? {
    var reasons: [String] = []
    if !exists {
      reasons.append(
        HubName.looksLike(name)
          ? "a model on a hub; download it, and name its folder" : "there is no such folder here; name the model's")
    }
    if isBundled, let size = size(of: name), size >= 1 {
      let text = size == size.rounded() ? "\(Int(size))" : "\(size)"
      reasons.append(
        "'bundled' computes on the CPU, too slow for \(text) billion weights; 'worker' in its place trains on GPUs, with the same "
          + "options")
    }
    return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
  }

  /// The billions of weights that a model's name states.
  private static func size(of name: String) -> Double? {
    for word in name.split(whereSeparator: { "-_/ ".contains($0) }).reversed() {
      guard let last = word.last, last == "B" || last == "b", let size = Double(word.dropLast()) else { continue }
      return size
    }
    return nil
  }
}
