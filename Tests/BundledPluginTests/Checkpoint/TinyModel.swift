// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore

/// A random model of a few thousand weights, written by other means than the ones under test.
struct TinyModel {
  enum Form { case flat, nested }
  enum Names { case published, newer }

  var form = Form.nested
  var names = Names.published
  var type = TensorType.float32
  var isTied = true
  var shardCount = 1

  /// A tensor as a file has it.
  struct Stored {
    var name: String
    var type: String
    var shape: [Int]
    var bytes: [UInt8]
  }

  /// Writes the model's folder and returns its tensors.
  @discardableResult
  func write(to scratch: Scratch, folder: String, editing edit: (inout [Stored]) -> Void = { _ in }) throws -> [Stored]
  {
    let document = Self.document(form, isTied: isTied)
    try scratch.write(folder + "/config.json", document.prettyJSON)
    let config = try ModelConfig(document: document, path: "config.json")
    var draw = PhiloxGenerator(seed: 3, purpose: "tiny-model")
    var tensors = config.expectedTensors.map { tensor in
      // Random bits, NaN and infinities among them: nothing may change on the way.
      let bytes = (0..<tensor.count * type.byteCount).map { _ in UInt8.random(in: 0...255, using: &draw) }
      return Stored(name: stored(tensor.name), type: type.rawValue, shape: tensor.shape, bytes: bytes)
    }
    edit(&tensors)
    if shardCount == 1 {
      try scratch.write(folder + "/model.safetensors", Self.safetensors(tensors))
      return tensors
    }
    var map: [JSONValue.Member] = []
    for shard in 0..<shardCount {
      let file = "model-0000\(shard + 1)-of-0000\(shardCount).safetensors"
      let part = tensors.enumerated().filter { $0.offset % shardCount == shard }.map(\.element)
      map += part.map { .init($0.name, .string(file)) }
      try scratch.write("\(folder)/\(file)", Self.safetensors(part))
    }
    let index: JSONValue = ["metadata": ["total_size": 0], "weight_map": .object(map)]
    try scratch.write(folder + "/model.safetensors.index.json", index.json)
    return tensors
  }

  private func stored(_ name: String) -> String {
    if names == .published || name == "lm_head.weight" { return name }
    return name.hasPrefix("visual.") ? "model." + name : "model.language_model." + name.dropFirst("model.".count)
  }

  /// A file of tensors one after the other.
  static func safetensors(_ tensors: [Stored]) -> Data {
    var members: [JSONValue.Member] = [.init("__metadata__", ["format": "pt"])]
    var body: [UInt8] = []
    for tensor in tensors {
      let start = body.count
      body += tensor.bytes
      members.append(
        .init(
          tensor.name,
          [
            "dtype": .string(tensor.type), "shape": .array(tensor.shape.map { .number($0) }),
            "data_offsets": [.number(start), .number(body.count)],
          ]))
    }
    return file(header: JSONValue.object(members).json, body: body)
  }

  /// A header padded to eight bytes, its length before it, and a body.
  static func file(header: String, body: [UInt8]) -> Data {
    var header = Array(header.utf8)
    while header.count % 8 != 0 { header.append(0x20) }
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header + body
  }

  /// A `config.json`, with some members of it replaced, or removed by nil.
  static func document(
    _ form: Form, isTied: Bool = true, text changes: [(String, JSONValue?)] = [],
    vision visionChanges: [(String, JSONValue?)] = [], root rootChanges: [(String, JSONValue?)] = []
  ) -> JSONValue {
    var text: JSONValue = [
      "vocab_size": 512, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
      "num_key_value_heads": 1, "hidden_act": "silu", "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
      "eos_token_id": 2, "use_sliding_window": false, "sliding_window": 32, "max_window_layers": 1,
    ]
    var vision: JSONValue = [
      "depth": 2, "hidden_size": 16, "intermediate_size": 20, "num_heads": 2, "out_hidden_size": 16, "in_chans": 3,
      "patch_size": 2, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 8,
      "fullatt_block_indexes": [1], "tokens_per_second": 2, "hidden_act": "silu",
    ]
    switch form {
    case .flat:
      text = text.adding([
        ("rope_theta", 1_000_000.0), ("rope_scaling", ["type": "mrope", "mrope_section": [1, 1, 2]]),
        ("torch_dtype", "float32"),
      ])
    case .nested:
      text = text.adding([
        ("rope_parameters", ["rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [1, 1, 2]]),
        ("layer_types", ["full_attention", "full_attention"]), ("dtype", "float32"),
      ])
    }
    text = text.adding(changes)
    vision = vision.adding(visionChanges)
    let root: JSONValue = [
      "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", "image_token_id": 500,
      "video_token_id": 501, "vision_start_token_id": 502, "vision_end_token_id": 503,
      "tie_word_embeddings": .bool(isTied), "vision_config": vision, "x_unknown": [1, ["y": "z"]],
    ]
    let whole =
      form == .flat
      ? root.adding((text.objectValue ?? []).map { ($0.key, $0.value) }) : root.adding([("text_config", text)])
    return whole.adding(rootChanges)
  }
}

extension JSONValue {
  /// An object with members set, or removed by nil.
  func adding(_ changes: [(String, JSONValue?)]) -> JSONValue {
    var members = objectValue ?? []
    for (key, value) in changes {
      members.removeAll { $0.key == key }
      if let value { members.append(Member(key, value)) }
    }
    return .object(members)
  }
}
