// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The files of a model's folder, in the Hugging Face layout.
package enum ModelFiles {
  /// What lies beside the weights and the configuration, and goes with them into a checkpoint.
  package static let documents = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
    "added_tokens.json", "special_tokens_map.json", "chat_template.json", "chat_template.jinja",
    "preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json", "LICENSE", "NOTICE",
  ]

  /// The files of a folder that say which model it holds, in a fixed order: configuration, weights, and documents.
  package static func identifying(in folder: String) -> [String] {
    (["config.json", "model.safetensors", "model.safetensors.index.json"] + documents).map { folder + "/" + $0 }
      .filter { FileManager.default.fileExists(atPath: $0) }
  }
}
