// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore

/// What `Fixtures/make_images.py` wrote.
enum ImageFixtures {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures")

  static func read<Case: Decodable>(_ name: String, as _: Case.Type) throws -> Case {
    try JSONDecoder().decode(Case.self, from: Data(contentsOf: folder.appending(path: name)))
  }

  static func image(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: "images/\(name)")))
  }

  /// The same bytes as the script's `noise`.
  static func noise(width: Int, height: Int) -> RGBImage {
    var state = UInt64(width * 65536 + height)
    let pixels = (0..<(width * height * 3)).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(state >> 56)
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  /// FNV-1a of the bytes, 64 bits.
  static func digest<Element>(_ values: [Element]) -> String {
    let hash = values.withUnsafeBytes { bytes in
      bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The message of the pipeline error that `body` throws; nil when it throws none.
  static func message(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? PipelineError)?.message ?? "not a pipeline error: \(error)"
    }
  }
}
