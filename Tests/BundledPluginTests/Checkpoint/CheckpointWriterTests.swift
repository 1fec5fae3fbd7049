// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Saving checkpoints", .timeLimit(.minutes(15)))
struct CheckpointWriterTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func path(_ name: String) -> String { scratch.path + "/" + name }

  private func save(
    _ source: Checkpoint, as name: String, _ precision: CheckpointWriter.Precision = .source,
    existing: CheckpointWriter.Existing = .refuse, shardByteCount: Int = CheckpointWriter.defaultShardByteCount
  ) throws {
    let writer = try CheckpointWriter(
      folder: path(name), source: source, precision: precision, existing: existing, shardByteCount: shardByteCount)
    for tensor in source.tensors.reversed() { try writer.write(tensor) }
    try writer.finish()
  }

  @Test(
    "what is saved is what was loaded, bit for bit", arguments: TensorType.allCases,
    [TinyModel.Names.published, .newer])
  func roundTrip(type: TensorType, names: TinyModel.Names) throws {
    let written = try TinyModel(names: names, type: type, isTied: false).write(to: scratch, folder: "m")
    let source = try Checkpoint(folder: path("m"))
    try save(source, as: "one")
    try save(source, as: "shards", shardByteCount: 20_000)
    #expect(try scratch.data("one/config.json") == scratch.data("m/config.json"))
    #expect(try scratch.data("one/model.safetensors") == scratch.data("m/model.safetensors"))
    let shards = try Checkpoint(folder: path("shards"))
    #expect(shards.tensors.map { Array($0.bytes) } == written.map(\.bytes))
    let index = try JSONValue(
      parsing: String(decoding: try scratch.data("shards/model.safetensors.index.json"), as: UTF8.self))
    #expect(index["metadata"]?["total_size"]?.intValue == written.reduce(0) { $0 + $1.bytes.count })
    let map = try #require(index["weight_map"]?.objectValue)
    #expect(Set(map.map(\.key)) == Set(written.map(\.name)))
    let files = Set(map.compactMap(\.value.stringValue))
    #expect(files.contains("model-00001-of-0000\(files.count).safetensors"))
    let again = try Checkpoint(folder: path("shards"))
    try save(again, as: "shards-again", shardByteCount: 20_000)
    for file in files { #expect(try scratch.data("shards/" + file) == scratch.data("shards-again/" + file)) }
  }

  @Test("another number format is written to config.json too")
  func conversion() throws {
    try TinyModel(form: .flat, type: .bfloat16).write(to: scratch, folder: "m")
    try scratch.write(
      "m/config.json", TinyModel.document(.flat, text: [("torch_dtype", "bfloat16")]).prettyJSON)
    let source = try Checkpoint(folder: path("m"))
    try save(source, as: "f32", .all(.float32))
    let wide = try Checkpoint(folder: path("f32"))
    #expect(wide.config.document["torch_dtype"] == "float32")
    #expect(wide.config.document["x_unknown"] == source.config.document["x_unknown"])
    #expect(wide.tensors.allSatisfy { $0.dtype == .float32 })
    try save(wide, as: "bf16", .all(.bfloat16))
    let narrow = try Checkpoint(folder: path("bf16"))
    for (first, last) in zip(source.tensors, narrow.tensors) {
      // Not NaN: its quiet bit is set on the way.
      #expect(zip(first.floats, last.floats).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN })
    }
  }

  @Test("the files beside the weights are copied byte for byte")
  func documents() throws {
    try TinyModel().write(to: scratch, folder: "m")
    let files = ["generation_config.json", "tokenizer_config.json", "preprocessor_config.json", "merges.txt"]
    for file in files { try scratch.write("m/" + file, #"{ "eos_token_id":2,   "file":"\#(file)"}"#) }
    try scratch.write("m/training_state.json", "{}")
    try save(Checkpoint(folder: path("m")), as: "copy")
    for file in files { #expect(try scratch.data("copy/" + file) == scratch.data("m/" + file)) }
    #expect(!FileManager.default.fileExists(atPath: path("copy/training_state.json")))
  }

  @Test("floats are written in any order, and other files go with them")
  func floats() throws {
    try TinyModel().write(to: scratch, folder: "m")
    let source = try Checkpoint(folder: path("m"))
    let writer = try CheckpointWriter(folder: path("c"), source: source, precision: .all(.float32))
    let state = try writer.addFile(
      named: "optimizer.safetensors",
      tensors: [.init("step", shape: [], dtype: .float32), .init("m", shape: [2], dtype: .float32)],
      metadata: [.init("step", "12")])
    try writer.addFile(named: "state.json", bytes: Array("{}".utf8))
    for tensor in source.tensors.shuffled() {
      try Array(repeating: Float(0.5), count: tensor.count).withUnsafeBufferPointer {
        try writer.write(tensor.name, floats: $0)
      }
    }
    try [Float(1), 2].withUnsafeBufferPointer { try state.write("m", floats: $0) }
    try [Float(12)].withUnsafeBufferPointer { try state.write("step", floats: $0) }
    try writer.finish()
    #expect(try Checkpoint(folder: path("c")).tensors.allSatisfy { $0.floats.allSatisfy { $0 == 0.5 } })
    let saved = try SafetensorsFile(path: path("c/optimizer.safetensors"))
    #expect(saved["m"]?.floats == [1, 2])
    #expect(saved["step"]?.shape == [])
    #expect(saved.metadata("step") == "12")
  }

  @Test("an existing folder is replaced only when asked, and only by a complete one")
  func existing() throws {
    try TinyModel().write(to: scratch, folder: "m")
    let source = try Checkpoint(folder: path("m"))
    try scratch.write("c/old", "old")
    #expect(
      scratch.message { try save(source, as: "c") } == "c exists already; name another folder, or ask to replace it")
    do {
      let writer = try CheckpointWriter(folder: path("c"), source: source, precision: .source, existing: .replace)
      try writer.write(source.tensors[0])
      #expect(scratch.message { try writer.finish() }.contains("was declared but not written"))
    }
    #expect(try scratch.data("c/old") == Data("old".utf8))
    try save(source, as: "c", existing: .replace)
    #expect(!FileManager.default.fileExists(atPath: path("c/old")))
    _ = try Checkpoint(folder: path("c"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["c", "m"])
    try scratch.write("file", "x")
    #expect(
      scratch.message { try save(source, as: "file", existing: .replace) } == "file is no folder, so it is not replaced"
    )
  }

  @Test("what a killed process left behind is removed, what a living one is writing is not")
  func abandoned() throws {
    try TinyModel().write(to: scratch, folder: "m")
    // No process has so high a number; the first one lives.
    try scratch.write(".c.99999999.partial/model.safetensors", "x")
    try scratch.write(".c.1.partial/model.safetensors", "x")
    try scratch.write(".c.old.partial/x", "x")
    try save(Checkpoint(folder: path("m")), as: "c")
    let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
    #expect(left == [".c.1.partial", ".c.old.partial", "c", "m"])
  }

  @Test("what was not declared, or has another size, is refused")
  func undeclared() throws {
    try TinyModel().write(to: scratch, folder: "m")
    let source = try Checkpoint(folder: path("m"))
    let writer = try CheckpointWriter(folder: path("c"), source: source, precision: .source)
    [Float(1)].withUnsafeBufferPointer { one in
      #expect(scratch.message { try writer.write("nothing", floats: one) } == "c: the model has no weight 'nothing'")
      #expect(
        scratch.message { try writer.write("model.norm.weight", floats: one) }
          .hasSuffix("'model.norm.weight' has 1 numbers, its shape [16] needs 16"))
    }
  }
}
