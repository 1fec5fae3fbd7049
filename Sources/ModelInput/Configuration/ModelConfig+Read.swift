// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

extension ModelConfig {
  /// Reads the contents of a `config.json`.
  ///
  /// - Parameter path: The name of the file in messages.
  /// - Throws: Everything that is missing or not supported, together.
  package init(document: JSONValue, path: String) throws {
    var root = ConfigReader(path: path, object: document)
    family = try ModelFamily(of: root)
    if root.value("quantization_config") != nil {
      root.report("'quantization_config' is set; quantised weights are not supported, only F32, F16 and BF16")
    }
    let nested = family.takesImages ? root.value("text_config") : nil
    var decoder = ConfigReader(path: path, prefix: nested == nil ? "" : "text_config.", object: nested ?? document)
    text = family.configuration.decoder(&decoder)
    var tower = ConfigReader(path: path, prefix: "vision_config.", object: root.value("vision_config") ?? [:])
    if family.takesImages {
      let tokens = ImageTokens(&root)
      vision = family.configuration.tower(&tower, tokens: tokens)
      if decoder.errors.isEmpty { tokens.check(&root, rows: text.vocabularySize) }
    }
    if let vision, vision.outputSize != text.hiddenSize, tower.errors.isEmpty, decoder.errors.isEmpty {
      tower.report(
        "'vision_config.\(family.configuration.outputSizeKey)' is \(vision.outputSize), it must equal the decoder's"
          + " 'hidden_size', \(text.hiddenSize)")
    }
    let isTied = family.configuration.isTied(
      root: root.flag("tie_word_embeddings"), decoder: nested == nil ? nil : decoder.flag("tie_word_embeddings"))
    outputEmbedding = isTied ? .tied : .untied
    self.document = document
    let errors = root.errors + decoder.errors + tower.errors
    if !errors.isEmpty { throw PipelineErrors(errors) }
  }
}

extension ModelConfig.ImageTokens {
  fileprivate init(_ root: inout ConfigReader) {
    image = root.integer("image_token_id", in: 0...1 << 24, default: 151655)
    video = root.integer("video_token_id", in: 0...1 << 24, default: 151656)
    start = root.integer("vision_start_token_id", in: 0...1 << 24, default: 151652)
    end = root.integer("vision_end_token_id", in: 0...1 << 24, default: 151653)
  }

  fileprivate func check(_ root: inout ConfigReader, rows: Int) {
    if let high = all.first(where: { $0 >= rows }) {
      root.report("the placeholder id \(high) is not below 'vocab_size', \(rows)")
    }
    if Set(all).count < all.count { root.report("two of the placeholder ids \(all) are the same") }
  }
}
