// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Configurations of families", .timeLimit(.minutes(15)))
struct FamilyConfigTests {
  private func config(_ document: JSONValue) throws -> ModelConfig { try ModelConfig(document: document, path: "c") }

  private func text(_ family: ModelFamily, _ more: [(String, JSONValue?)] = []) -> JSONValue {
    let plain: JSONValue = [
      "model_type": .string(family.rawValue), "architectures": [.string(family.architecture)], "vocab_size": 100,
      "hidden_size": 48, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4,
      "num_key_value_heads": 2,
    ]
    return plain.adding(more)
  }

  // As the hub has it: of the tower only what is not in the class.
  private var publishedQwen2VL: JSONValue {
    text(
      .qwen2VL,
      [
        ("hidden_size", 512), ("rope_theta", 1_000_000.0),
        ("rope_scaling", ["type": "mrope", "mrope_section": [16, 24, 24]]), ("vocab_size", 152_000),
        (
          "vision_config",
          ["hidden_size": 512, "in_chans": 3, "model_type": "qwen2_vl", "spatial_patch_size": 14]
        ), ("use_sliding_window", false), ("sliding_window", 32768),
      ])
  }

  @Test("a published Qwen2-VL says little of its tower")
  func qwen2VL() throws {
    let found = try config(publishedQwen2VL)
    let vision = try #require(found.vision)
    #expect((vision.depth, vision.hiddenSize, vision.intermediateSize, vision.headCount) == (32, 1280, 5120, 16))
    #expect((vision.outputSize, vision.patchSize, vision.spatialMergeSize) == (512, 14, 2))
    #expect(vision.activation == .quickGELU)
    #expect(vision.windows == nil)
    #expect(vision.tokens.all == [151655, 151656, 151652, 151653])
    #expect(found.text.normEpsilon == 1e-5)
  }

  @Test("head width, biases and rotation by family")
  func decoders() throws {
    #expect(try config(text(.qwen2)).text.headSize == 12)
    #expect(try config(text(.qwen2, [("head_dim", 20)])).text.headSize == 20)
    #expect(try config(text(.qwen3)).text.headSize == 128)
    #expect(try config(text(.llama, [("num_key_value_heads", nil)])).text.keyValueHeadCount == 4)
    let biased = try config(text(.llama, [("attention_bias", true), ("mlp_bias", true)])).text
    #expect(biased.attentionBias && biased.feedForwardBias)
    #expect(try config(text(.qwen3)).text.attentionBias == false)
    #expect(try config(text(.llama)).text.rotary.axes == .one)
    #expect(try config(text(.llama)).outputEmbedding == .untied)
  }

  @Test("rotary scaling in both forms")
  func scaling() throws {
    let llama3: [(String, JSONValue?)] = [
      ("factor", 8.0), ("low_freq_factor", 1.0), ("high_freq_factor", 4.0), ("original_max_position_embeddings", 8192),
      ("rope_type", "llama3"),
    ]
    let older = text(.llama, [("rope_theta", 500_000.0), ("rope_scaling", JSONValue.object([]).adding(llama3))])
    let newer = text(
      .llama, [("rope_parameters", JSONValue.object([]).adding(llama3 + [("rope_theta", 500_000.0)]))])
    let expected = ModelConfig.Rotary.Scaling.llama3(factor: 8, low: 1, high: 4, originalContext: 8192)
    #expect(try config(older).text.rotary.scaling == expected)
    #expect(try config(older).text.rotary == config(newer).text.rotary)
    let yarn = text(
      .qwen3,
      [
        ("max_position_embeddings", 32768), ("rope_theta", 1_000_000.0),
        ("rope_scaling", ["rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768]),
      ])
    guard case .yarn(let found) = try config(yarn).text.rotary.scaling else {
      Issue.record("no YaRN")
      return
    }
    #expect(abs(found.attentionFactor - 1.1386294361119891) < 1e-15)
    #expect(found.truncates)
  }

  @Test(
    "what is missing or not supported is named",
    arguments: [
      (
        ModelFamily.llama, [("rope_scaling", ["rope_type": "llama3", "factor": 8.0])],
        "c: 'rope_scaling.low_freq_factor' is missing\nc: 'rope_scaling.high_freq_factor' is missing"
      ),
      (
        .qwen2, [("use_sliding_window", true), ("sliding_window", 16), ("max_window_layers", 1)],
        "c: 'sliding_window' is 16 and in use; only full attention is supported"
      ),
      (
        .qwen3, [("layer_types", ["full_attention", "sliding_attention"])],
        "c: 'layer_types' must be 'full_attention' for each of 2 layers; others are not supported"
      ),
      (.qwen3, [("head_dim", 7)], "c: a head is 7 wide, which is odd; positions turn pairs of elements"),
      (
        .llama, [("attention_bias", "yes")],
        "c: 'attention_bias' is \"yes\", it must be true or false"
      ),
      (
        .llama, [("architectures", ["LlamaForSequenceClassification"])],
        "c: 'architectures' is [\"LlamaForSequenceClassification\"], which is not supported; supported: LlamaForCausalLM"
      ),
      (
        .qwen3, [("partial_rotary_factor", 0.5)],
        "c: 'partial_rotary_factor' is 0.5, which is not supported; supported: 1"
      ),
    ] as [(ModelFamily, [(String, JSONValue?)], String)])
  func refusals(_ family: ModelFamily, _ changes: [(String, JSONValue?)], _ expected: String) throws {
    let error = #expect(throws: PipelineErrors.self) { try config(text(family, changes)) }
    #expect(error?.description == expected)
  }

  @Test("a deepstack index without a block, and an output of another width")
  func towers() throws {
    let plain = try JSONValue(
      parsing: String(contentsOfFile: Fixture.path("families/qwen3_vl/model/config.json"), encoding: .utf8))
    let vision = try #require(plain["vision_config"])
    var error = #expect(throws: PipelineErrors.self) {
      try config(plain.adding([("vision_config", vision.adding([("deepstack_visual_indexes", [1, 3])]))]))
    }
    #expect(
      error?.description == "c: 'vision_config.deepstack_visual_indexes' has 3, but there are 3 blocks")
    error = #expect(throws: PipelineErrors.self) {
      try config(
        publishedQwen2VL.adding([("vision_config", ["hidden_size": 500, "in_chans": 3, "model_type": "qwen2_vl"])]))
    }
    #expect(
      error?.description == "c: 'vision_config.hidden_size' is 500, it must equal the decoder's 'hidden_size', 512")
  }

  @Test("whether Qwen3-VL is tied stands at the top")
  func tying() throws {
    let plain = try JSONValue(
      parsing: String(contentsOfFile: Fixture.path("families/qwen3_vl/model/config.json"), encoding: .utf8))
    let decoder = try #require(plain["text_config"])
    let both = plain.adding([
      ("tie_word_embeddings", false), ("text_config", decoder.adding([("tie_word_embeddings", true)])),
    ])
    #expect(try config(both).outputEmbedding == .untied)
    #expect(try config(both.adding([("tie_word_embeddings", nil)])).outputEmbedding == .tied)
  }
}
