// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

/// The whole pixel values of the tiny checkpoint, which are too large to copy.
@Suite("Images against the oracle", .timeLimit(.minutes(15)))
struct ImageOracleTests {
  private static let oracles = ProcessInfo.processInfo.environment["SHUFFLE_R1_ORACLES"]

  @Test(
    "every pixel value of all six images agrees to 1e-5",
    .enabled(if: Self.oracles != nil, "SHUFFLE_R1_ORACLES is not set"))
  func pixelValues() throws {
    let folder = URL(filePath: try #require(Self.oracles)).appending(path: "qwen2_5_vl_tiny")
    let tensors = try [UInt8](Data(contentsOf: folder.appending(path: "oracle.safetensors")))
    let headerSize = Int(tensors.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
    let header = try tensors.withUnsafeBytes { try JSONValue(parsing: .init(rebasing: $0[8..<(8 + headerSize)])) }
    let config = try String(
      contentsOf: folder.appending(path: "model/preprocessor_config.json"), encoding: .utf8)
    let cache = ImageCache(
      processor: ImageProcessor(try ImageProcessorConfig(JSONValue(parsing: config), file: "preprocessor_config.json")))
    for index in 0..<6 {
      let entry = header.objectValue?.first { $0.key == "\(index).pixel_values" }?.value.objectValue
      let offsets = entry?.first { $0.key == "data_offsets" }?.value.arrayValue?.compactMap(\.intValue) ?? []
      try #require(offsets.count == 2)
      let range = (8 + headerSize + offsets[0])..<(8 + headerSize + offsets[1])
      let expected = tensors.withUnsafeBytes { bytes in
        stride(from: range.lowerBound, to: range.upperBound, by: 4).map {
          bytes.loadUnaligned(fromByteOffset: $0, as: Float.self)
        }
      }
      let found = try cache.patches(of: ImageReference("img\(index).png"), relativeTo: folder.path).values
      #expect(found.count == expected.count)
      let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference <= 1e-5, "image \(index)")
    }
  }
}
