// SPDX-License-Identifier: Apache-2.0
import PipelineIO
import Testing

@Suite("Encoding on several threads", .timeLimit(.minutes(15)))
struct ParallelEncodingTests {
  private struct Refused: Error {}

  @Test("chunks come in order, the same ones on any number of threads", arguments: [1, 2, 7])
  func order(threads: Int) async throws {
    var written: [[UInt8]] = []
    try await ParallelEncoding.run(
      count: 1_001, chunk: 10, threads: threads,
      encode: { index, bytes in bytes.append(contentsOf: String(repeating: "\(index),", count: index % 7).utf8) },
      write: { written.append($0) })
    #expect(written.count == 101)
    let expected = (0..<1_001).map { String(repeating: "\($0),", count: $0 % 7) }.joined()
    #expect(String(decoding: written.joined(), as: UTF8.self) == expected)
  }

  @Test("what an item cannot be encoded for ends it, after what stands before", arguments: [1, 2, 7])
  func failure(threads: Int) async throws {
    var written = 0
    await #expect(throws: Refused.self) {
      try await ParallelEncoding.run(
        count: 100, chunk: 10, threads: threads,
        encode: { index, bytes in if index == 45 { throw Refused() } else { bytes.append(0) } },
        write: { written += $0.count })
    }
    #expect(written == 40)
  }
}
