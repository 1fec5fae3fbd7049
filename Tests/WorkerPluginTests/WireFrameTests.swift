// SPDX-License-Identifier: Apache-2.0
import PipelineCore
import Testing
import WorkerPlugin

@Suite("Frames of the policy wire protocol", .timeLimit(.minutes(15)))
struct WireFrameTests {
  @Test("a frame is a prefix, a header and arrays, byte for byte")
  func bytes() {
    let frame = WireFrame("step", id: 3, payloads: [("x", WirePayload([Int32(1), -2]))])
    let header = #"{"kind":"step","id":3,"payloads":[{"name":"x","dtype":"int32","shape":[2]}]}"#
    var expected = Array("SR1W".utf8) + [UInt8(header.utf8.count), 0, 0, 0] + [8, 0, 0, 0, 0, 0, 0, 0]
    expected += Array(header.utf8) + [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF]
    #expect(frame.bytes == expected)
  }

  @Test("arrays come out as they went in")
  func arrays() {
    #expect(WirePayload([Float(0.5), -.infinity]).floats == [0.5, -.infinity])
    #expect(WirePayload([Int32.min, .max]).int32s == [.min, .max])
    #expect(WirePayload([Int32(1)]).floats == nil)
    #expect(WirePayload([UInt64.max]).bytes == Array(repeating: 0xFF, count: 8))
  }
}
