// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Model configuration", .timeLimit(.minutes(15)))
struct ConfigTests {
  @Test("the flat and the nested form say the same")
  func forms() throws {
    let flat = try ModelConfig(document: TinyModel.document(.flat), path: "config.json")
    let nested = try ModelConfig(document: TinyModel.document(.nested), path: "config.json")
    #expect(flat.text == nested.text)
    #expect(flat.vision == nested.vision)
    #expect(flat.outputEmbedding == .tied)
    #expect(flat.text.headSize == 8)
    #expect(flat.family == .qwen2_5VL)
    #expect(flat.text.rotary.theta == 1_000_000)
    #expect(flat.text.rotary.axes == .chunks([1, 1, 2]))
    #expect(flat.vision?.windowTokens == 2)
    #expect(flat.vision?.patchValueCount == 24)
    #expect(flat.vision?.tokens.all == [500, 501, 502, 503])
    #expect(flat.document["x_unknown"]?.json == #"[1,{"y":"z"}]"#)
  }

  @Test("files that have both forms mean the nested one; tying counts wherever it is said")
  func mixedForms() throws {
    let both = TinyModel.document(.nested, isTied: false, text: [("tie_word_embeddings", true)])
      .adding([("hidden_size", 999), ("vocab_size", 7)])
    let config = try ModelConfig(document: both, path: "config.json")
    #expect(config.text.hiddenSize == 16)
    #expect(config.outputEmbedding == .tied)
  }

  @Test(
    "what is not supported is named, with what is",
    arguments: [
      (
        TinyModel.document(.flat, root: [("model_type", "llava"), ("architectures", ["LlavaForCausalLM"])]),
        #"'model_type' is "llava" (LlavaForCausalLM), which is not supported; supported: qwen2_vl, qwen2_5_vl, qwen3_vl, "#
          + #"qwen2, qwen3, llama. The policy "worker" runs other models of transformers"#
      ),
      (
        TinyModel.document(.flat, root: [("architectures", ["Qwen2VLForConditionalGeneration"])]),
        #"'architectures' is ["Qwen2VLForConditionalGeneration"], which is not supported; supported: "#
          + "Qwen2_5_VLForConditionalGeneration"
      ),
      (
        TinyModel.document(.flat, root: [("quantization_config", ["bits": 4])]),
        "'quantization_config' is set; quantised weights are not supported, only F32, F16 and BF16"
      ),
      (
        TinyModel.document(.nested, text: [("hidden_act", "gelu")]),
        #"'text_config.hidden_act' is "gelu", which is not supported; supported: "silu""#
      ),
      (
        TinyModel.document(.flat, text: [("rope_scaling", ["type": "longrope", "mrope_section": [1, 1, 2]])]),
        #"'rope_scaling.type' is "longrope", which is not supported; supported: "default", "mrope", "linear", "dynamic", "#
          + #""llama3", "yarn""#
      ),
      (
        TinyModel.document(.flat, text: [("rope_scaling", ["type": "mrope", "mrope_section": [1, 1, 1]])]),
        "'mrope_section' is [1, 1, 1], it must be three numbers whose sum is half of a head's 8"
      ),
      (
        TinyModel.document(.flat, text: [("use_sliding_window", true)]),
        "'sliding_window' is 32 and in use; only full attention is supported"
      ),
      (
        TinyModel.document(.nested, text: [("layer_types", ["full_attention", "sliding_attention"])]),
        "'text_config.layer_types' must be 'full_attention' for each of 2 layers; others are not supported"
      ),
      (
        TinyModel.document(.flat, text: [("num_attention_heads", 3)]),
        "'hidden_size' is 16, it must be a multiple of the 3 heads"
      ),
      (
        TinyModel.document(.flat, text: [("num_attention_heads", 2), ("num_key_value_heads", 3)]),
        "'num_key_value_heads' is 3, it must divide the 2 heads"
      ),
      (TinyModel.document(.flat, text: [("vocab_size", nil)]), "'vocab_size' is missing"),
      (
        TinyModel.document(.flat, text: [("hidden_size", -1)]),
        "'hidden_size' is -1, it must be an integer in 1...1048576"
      ),
      (
        TinyModel.document(.flat, text: [("hidden_size", 9_000_000_000_000_000_000)]),
        "'hidden_size' is 9000000000000000000, it must be an integer in 1...1048576"
      ),
      (
        TinyModel.document(.flat, text: [("num_hidden_layers", 1_000_000_000)]),
        "'num_hidden_layers' is 1000000000, it must be an integer in 1...1024"
      ),
      (
        TinyModel.document(.flat, text: [("attention_dropout", 0.1)]),
        "'attention_dropout' is 0.1, which is not supported; supported: 0"
      ),
      (
        TinyModel.document(.flat, vision: [("num_heads", 3)]),
        "'vision_config.hidden_size' is 16, it must give each of 3 heads a multiple of 4"
      ),
      (
        TinyModel.document(.flat, vision: [("in_chans", 1)]),
        "'vision_config.in_chans' is 1, which is not supported; supported: 3"
      ),
      (
        TinyModel.document(.flat, vision: [("window_size", 9)]),
        "'vision_config.window_size' is 9, it must be a multiple of a token's side, 4 pixels"
      ),
      (
        TinyModel.document(.flat, vision: [("out_hidden_size", 32)]),
        "'vision_config.out_hidden_size' is 32, it must equal the decoder's 'hidden_size', 16"
      ),
      (
        TinyModel.document(.flat, root: [("image_token_id", 512)]),
        "the placeholder id 512 is not below 'vocab_size', 512"
      ),
      (
        TinyModel.document(.flat, root: [("image_token_id", 501)]),
        "two of the placeholder ids [501, 501, 502, 503] are the same"
      ),
    ])
  func refusals(document: JSONValue, expected: String) throws {
    let error = #expect(throws: PipelineErrors.self) { try ModelConfig(document: document, path: "config.json") }
    #expect(error?.description == "config.json: " + expected)
  }

  @Test("several faults are shown together")
  func together() throws {
    let document = TinyModel.document(.flat, text: [("vocab_size", nil)], vision: [("depth", "two")])
    let error = #expect(throws: PipelineErrors.self) { try ModelConfig(document: document, path: "c") }
    #expect(
      error?.description == "c: 'vocab_size' is missing\n"
        + #"c: 'vision_config.depth' is "two", it must be an integer in 1...1024"#)
  }

  @Test("no folder, no file, no JSON")
  func files() throws {
    let scratch = try Scratch()
    #expect(
      scratch.message { _ = try ModelConfig(folder: scratch.path) }
        == "FOLDER has no config.json; it must be the folder of a model")
    try scratch.write("config.json", "{\n \"a\": 1,,}")
    #expect(
      scratch.message { _ = try ModelConfig(folder: scratch.path) }
        == "config.json:2:9: not JSON: missing key")
    try scratch.write("config.json", "[]")
    #expect(
      scratch.message { _ = try ModelConfig(folder: scratch.path) }
        == "config.json holds an array, it must be a JSON object")
  }

  @Test("end tokens come from generation_config.json, then from config.json")
  func generation() throws {
    let scratch = try Scratch()
    let config = try ModelConfig(document: TinyModel.document(.nested), path: "config.json")
    var generation = try GenerationConfig(folder: scratch.path, config: config)
    #expect(generation.endTokenIDs == [2])
    #expect(generation.padTokenID == nil)
    try scratch.write("generation_config.json", #"{"eos_token_id": [5, 4, 5], "pad_token_id": 4}"#)
    generation = try GenerationConfig(folder: scratch.path, config: config)
    #expect(generation.endTokenIDs == [5, 4])
    #expect(generation.padTokenID == 4)
    try scratch.write("generation_config.json", #"{"eos_token_id": 512}"#)
    #expect(
      scratch.message { _ = try GenerationConfig(folder: scratch.path, config: config) }
        == "generation_config.json: 'eos_token_id' has 512, it must be an id in 0..<512")
  }
}
