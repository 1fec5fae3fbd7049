// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Checkpoints", .timeLimit(.minutes(15)))
struct CheckpointTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test(
    "every layout gives the same weights under the same names",
    arguments: [TinyModel.Form.flat, .nested], [TinyModel.Names.published, .newer])
  func layouts(form: TinyModel.Form, names: TinyModel.Names) throws {
    for (isTied, shardCount) in [(true, 1), (false, 1), (true, 3), (false, 2)] {
      let model = TinyModel(form: form, names: names, isTied: isTied, shardCount: shardCount)
      let written = try model.write(to: scratch, folder: "\(isTied)-\(shardCount)")
      let checkpoint = try Checkpoint(folder: scratch.path + "/\(isTied)-\(shardCount)")
      #expect(checkpoint.tensors.map(\.name) == checkpoint.config.expectedTensors.map(\.name))
      #expect(checkpoint.tensors.map { Array($0.bytes) } == written.map(\.bytes))
      #expect(checkpoint.tensor(named: "visual.blocks.1.attn.qkv.bias")?.shape == [48])
      #expect((checkpoint.tensor(named: "lm_head.weight") == nil) == isTied)
      #expect(checkpoint.tensor(named: "model.visual.x") == nil)
    }
  }

  @Test("missing, surplus and misshapen tensors are reported together")
  func faults() throws {
    try TinyModel().write(to: scratch, folder: "m") { tensors in
      tensors.removeAll { $0.name == "model.norm.weight" }
      let index = tensors.firstIndex { $0.name == "model.layers.0.mlp.up_proj.weight" } ?? 0
      tensors[index].shape = [16, 24]
      tensors.append(.init(name: "model.layers.0.extra", type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
      tensors.append(.init(name: "visual.rotary_pos_emb.inv_freq", type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
    }
    #expect(
      scratch.message { _ = try Checkpoint(folder: scratch.path + "/m") } == """
        m: 'model.layers.0.mlp.up_proj.weight' has the shape [16, 24], config.json makes it [24, 16]
        m: 'model.norm.weight' is missing; its shape is [16]
        m: 'model.layers.0.extra' of shape [1] is no part of the model in config.json
        """)
  }

  @Test("of very many faults the first twenty are shown")
  func manyFaults() throws {
    try TinyModel().write(to: scratch, folder: "m") { $0.removeLast(40) }
    let lines = scratch.message { _ = try Checkpoint(folder: scratch.path + "/m") }.split(separator: "\n")
    #expect(lines.count == 21)
    #expect(lines.last == "m: and 20 more like these")
  }

  @Test("tied weights may be stored twice if they are equal")
  func storedTwice() throws {
    try TinyModel().write(to: scratch, folder: "same") { tensors in
      tensors.append(.init(name: "lm_head.weight", type: "F32", shape: tensors[0].shape, bytes: tensors[0].bytes))
    }
    #expect(try Checkpoint(folder: scratch.path + "/same").tensor(named: "lm_head.weight") == nil)
    try TinyModel().write(to: scratch, folder: "other") { tensors in
      tensors.append(
        .init(name: "lm_head.weight", type: "F32", shape: tensors[0].shape, bytes: tensors[0].bytes.reversed()))
    }
    #expect(
      scratch.message { _ = try Checkpoint(folder: scratch.path + "/other") }
        == "other: 'lm_head.weight' differs from 'model.embed_tokens.weight', but config.json ties them"
        + " (tie_word_embeddings)")
  }

  @Test("weights under both names are refused")
  func bothNames() throws {
    try TinyModel().write(to: scratch, folder: "m") { tensors in
      tensors.append(
        .init(name: "model.language_model.norm.weight", type: "F32", shape: [16], bytes: .init(repeating: 0, count: 64))
      )
    }
    #expect(
      scratch.message { _ = try Checkpoint(folder: scratch.path + "/m") }
        == "m: 'model.norm.weight' and 'model.language_model.norm.weight' are the same weights")
  }

  @Test("no weights, or weights in another format")
  func noWeights() throws {
    try scratch.write("m/config.json", TinyModel.document(.flat).json)
    #expect(
      scratch.message { _ = try Checkpoint(folder: scratch.path + "/m") }
        == "m has no weights: neither model.safetensors nor model.safetensors.index.json")
    try scratch.write("m/pytorch_model.bin", "x")
    #expect(
      scratch.message { _ = try Checkpoint(folder: scratch.path + "/m") }
        == "m has its weights in pytorch_model.bin; only safetensors are read: save it as safetensors first")
  }

  @Test("an index that does not fit its shards is refused")
  func brokenIndex() throws {
    try TinyModel(shardCount: 2).write(to: scratch, folder: "m")
    let index = try scratch.data("m/model.safetensors.index.json")
    func fault(_ change: (String) -> String) throws -> String {
      try scratch.write("m/model.safetensors.index.json", change(String(decoding: index, as: UTF8.self)))
      return scratch.message { _ = try Checkpoint(folder: scratch.path + "/m") }
    }
    let norm = #""model.norm.weight":"model-0000"#
    #expect(
      try fault { $0.replacingOccurrences(of: norm, with: #""y":"../model-0000"#) }.hasSuffix(
        "it must be in a .safetensors file of the same folder"))
    #expect(
      try fault { $0.replacingOccurrences(of: norm, with: #""y":"model-0000"#) }
        .hasSuffix("has 'model.norm.weight', which model.safetensors.index.json does not say"))
    #expect(
      try fault {
        $0.replacingOccurrences(of: #""weight_map":{"#, with: #""weight_map":{"y":"model-00001-of-00002.safetensors","#)
      }
        == "m/model.safetensors.index.json: 'y' is not in model-00001-of-00002.safetensors, where it should be")
    #expect(
      try fault { $0.replacingOccurrences(of: #""weight_map":{"#, with: #""weight_map":{"y":"gone.safetensors","#) }
        == "cannot read m/gone.safetensors: no such file; check the path")
    #expect(try fault { _ in "{}" } == "m/model.safetensors.index.json has no 'weight_map'")
  }

  @Test(
    "the oracle's model opens", .enabled(if: Outside.oracles != nil, "SHUFFLE_R1_ORACLES does not name the oracles"))
  func oracle() throws {
    let folder = try #require(Outside.oracles) + "/qwen2_5_vl_tiny/model"
    let checkpoint = try Checkpoint(folder: folder)
    #expect(checkpoint.parameterCount == 211_872)
    #expect(checkpoint.config.text.headSize == 16)
    #expect(checkpoint.config.vision?.windows?.fullAttentionBlocks == [1, 3])
    #expect(checkpoint.generation.endTokenIDs == [2])
    let copy = scratch.path + "/copy"
    let writer = try CheckpointWriter(folder: copy, source: checkpoint, precision: .source)
    for tensor in checkpoint.tensors { try writer.write(tensor) }
    try writer.finish()
    let again = try Checkpoint(folder: copy)
    #expect(again.tensors.map { Array($0.bytes) } == checkpoint.tensors.map { Array($0.bytes) })
    #expect(try scratch.data("copy/config.json") == Data(contentsOf: URL(fileURLWithPath: folder + "/config.json")))
  }
}
