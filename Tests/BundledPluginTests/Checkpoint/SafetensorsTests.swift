// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Safetensors files", .timeLimit(.minutes(15)))
struct SafetensorsTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func fault(_ data: Data) throws -> String {
    try scratch.write("x.safetensors", data)
    return scratch.message { _ = try SafetensorsFile(path: scratch.path + "/x.safetensors") }
  }

  @Test("tensors, shapes and metadata are read")
  func reading() throws {
    let header =
      #"{"b":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"e":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}}"#
    try scratch.write("x", TinyModel.file(header: header, body: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0, 0x3C, 0, 0xC0]))
    let file = try SafetensorsFile(path: scratch.path + "/x")
    #expect(file.tensors.map(\.name) == ["a", "b", "e"])
    #expect(file["a"]?.shape == [1, 2])
    #expect(file["a"]?.floats == [1, -2])
    #expect(file["b"]?.floats == [1, -2])
    #expect(file["e"]?.floats == [])
    #expect(file["c"] == nil)
    #expect(file.metadata("k") == "v")
  }

  @Test(
    "headers that contradict themselves or the file are refused",
    arguments: [
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}"#,
        "tensor 'a' ends at byte 16 of the numbers, the file has only 8; it is truncated"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
        "tensor 'a' needs 12 bytes for F32 of shape [3], its data_offsets give it 8"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "4 bytes after the last tensor belong to none"),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        "tensor 'b' overlaps 'a'"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[6,8]}}"#,
        "tensor 'b' leaves a gap after 'a'"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "tensor 'a' leaves a gap after the header"),
      (
        #"{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]},"c":{"dtype":"F16","shape":[1],"data_offsets":[6,8]}}"#,
        "MISALIGNED"
      ),
      (
        #"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#,
        "tensor 'a' is I64; only F32, F16 and BF16 are supported"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
        "tensor 'a' has a shape too large to be true: [4294967296, 4294967296]"
      ),
      (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "tensor 'a' has a shape that is none: [-2]"),
      (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}"#, "tensor 'a' has a shape that is none: [1.5]"),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        "tensor 'a' has no data_offsets: two integers, the first not above the second"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}"#,
        "tensor 'a' has no data_offsets: two integers, the first not above the second"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}"#,
        "tensor 'a' ends at byte 9223372036854775807 of the numbers, the file has only 8; it is truncated"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
        "tensor 'a' has no data_offsets: two integers, the first not above the second"
      ),
      (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, "tensor 'a' has no shape"),
      (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, "tensor 'a' has no dtype"),
      (#"{"a":7}"#, "tensor 'a' has no dtype"),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        "the name 'a' is there twice"
      ),
      (#"{"__metadata__":{"k":1}}"#, "the metadata 'k' is no string"),
      (#"[]"#, "the header is an array, not an object"),
      (#"{"a":"#, "the header is no JSON: the text ends inside a value (byte 16)"),
    ])
  func hostileHeaders(header: String, expected: String) throws {
    let found = try fault(TinyModel.file(header: header, body: [UInt8](repeating: 0, count: 8)))
    if expected == "MISALIGNED" {
      #expect(found.hasPrefix("x.safetensors: tensor 'b' begins at byte "))
      #expect(found.hasSuffix("which is no multiple of 4; save it again with a newer safetensors"))
    } else {
      #expect(found == "x.safetensors: " + expected)
    }
  }

  @Test("files too short, too long or of another kind are refused")
  func hostileFiles() throws {
    #expect(try fault(Data()) == "x.safetensors is empty")
    #expect(
      try fault(Data([1, 2, 3]))
        == "x.safetensors: 3 bytes are too few for a safetensors file; it is truncated, or something else")
    #expect(
      try fault(Data([16, 0, 0, 0, 0, 0, 0, 0, 0x7B]))
        == "x.safetensors: the header is said to have 16 bytes, the file has only 1 after its length")
    #expect(
      try fault(Data([UInt8](repeating: 0xFF, count: 16)))
        == "x.safetensors: the header is said to have 18446744073709551615 bytes, more than 16777216; is it a"
        + " safetensors file?")
    #expect(
      scratch.message { _ = try SafetensorsFile(path: scratch.path + "/none") }
        == "cannot read none: No such file or directory")
    #expect(scratch.message { _ = try SafetensorsFile(path: scratch.path) } == "FOLDER is no file")
  }

  @Test("a truncated file is refused wherever it is cut")
  func truncation() throws {
    let whole = TinyModel.safetensors([
      .init(name: "a", type: "F32", shape: [3], bytes: .init(repeating: 1, count: 12)),
      .init(name: "b", type: "BF16", shape: [2, 2], bytes: .init(repeating: 2, count: 8)),
    ])
    try scratch.write("whole", whole)
    _ = try SafetensorsFile(path: scratch.path + "/whole")
    for length in 0..<whole.count { #expect(try !fault(whole.prefix(length)).isEmpty) }
  }

  @Test("a mutated header gives an error or tensors inside the file, never a crash")
  func mutations() throws {
    let whole = TinyModel.safetensors([
      .init(name: "a", type: "F32", shape: [3], bytes: .init(repeating: 1, count: 12)),
      .init(name: "b", type: "BF16", shape: [2, 2], bytes: .init(repeating: 2, count: 8)),
    ])
    var draw = PhiloxGenerator(seed: 1, purpose: "safetensors")
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0...Int.random(in: 0...2, using: &draw) {
        bytes[Int.random(in: 0..<bytes.count - 20, using: &draw)] = UInt8.random(in: 0...255, using: &draw)
      }
      try scratch.write("m", bytes)
      guard let file = try? SafetensorsFile(path: scratch.path + "/m") else { continue }
      #expect(file.tensors.allSatisfy { $0.floats.count == $0.shape.reduce(1, *) })
    }
  }
}
