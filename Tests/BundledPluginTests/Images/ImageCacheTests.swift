// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Image cache", .timeLimit(.minutes(15)))
struct ImageCacheTests {
  private let processor = ImageProcessor(ImageProcessorConfig())
  private let folder = ImageFixtures.folder.appending(path: "images").path
  /// The patches of a fixture of 13 x 11 pixels.
  private let patchBytes = 24 * 1176 * 4

  private func patches(_ name: String) throws -> ImagePatches {
    try processor.patches(of: RGBImage(decoding: ImageFixtures.image(name), name: name))
  }

  @Test("files and data URIs give their patches, first and again")
  func hits() throws {
    let cache = ImageCache(processor: processor)
    let uri = "data:image/png;base64," + Data(try ImageFixtures.image("rgb-8.png")).base64EncodedString()
    for _ in 0..<2 {
      #expect(try cache.patches(of: "rgb-8.png", relativeTo: folder) == patches("rgb-8.png"))
      #expect(try cache.patches(of: "lossy.webp", relativeTo: folder) == patches("lossy.webp"))
      #expect(try cache.patches(of: ImageReference(uri)) == patches("rgb-8.png"))
    }
  }

  @Test("the bytes kept stay within the limit, and those used last stay")
  func limit() throws {
    let cache = ImageCache(processor: processor, byteLimit: 2 * patchBytes + 1000)
    for name in ["rgb-8.png", "grey-8.png", "rgb-8.png", "palette-8.png", "rgba-8.png"] {
      #expect(try cache.patches(of: ImageReference(name), relativeTo: folder) == patches(name))
      #expect(cache.byteCount <= cache.byteLimit)
    }
    #expect(cache.byteCount > 2 * patchBytes)
    let none = ImageCache(processor: processor, byteLimit: 0)
    #expect(try none.patches(of: "rgb-8.png", relativeTo: folder) == patches("rgb-8.png"))
    #expect(none.byteCount == 0)
  }

  @Test("a file that changed is read again")
  func change() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "image-\(UUID().uuidString).png")
    defer { try? FileManager.default.removeItem(at: file) }
    let cache = ImageCache(processor: processor)
    for name in ["rgb-8.png", "grey-8.png"] {
      try Data(ImageFixtures.image(name)).write(to: file)
      #expect(
        try cache.patches(of: ImageReference(file.path), relativeTo: file.deletingLastPathComponent().path)
          == patches(name))
    }
  }

  @Test("a failure names the image, and is met again")
  func failure() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "image-\(UUID().uuidString).png")
    defer { try? FileManager.default.removeItem(at: file) }
    let cache = ImageCache(processor: processor)
    try Data(ImageFixtures.image("rgb-8.png").prefix(100)).write(to: file)
    for _ in 0..<2 {
      let message = ImageFixtures.message {
        _ = try cache.patches(of: ImageReference(file.path), relativeTo: file.deletingLastPathComponent().path)
      }
      #expect(message?.hasSuffix("the PNG image is damaged: it ends early; replace the file") == true)
      #expect(message?.hasPrefix(file.path.shortenedForMessage) == true)
    }
    #expect(cache.byteCount == 0)
    try Data(ImageFixtures.image("rgb-8.png")).write(to: file)
    #expect(
      try cache.patches(of: ImageReference(file.path), relativeTo: file.deletingLastPathComponent().path)
        == patches("rgb-8.png"))
  }

  @Test("many threads that want the same few images all get the right ones")
  func threads() throws {
    let names = ["rgb-8.png", "lossy.webp", "ycbcr-420.jpg"]
    let expected = try names.map(patches)
    let cache = ImageCache(processor: processor, byteLimit: 2 * patchBytes + 1000)
    DispatchQueue.concurrentPerform(iterations: 96) { index in
      let found = try? cache.patches(of: ImageReference(names[index % 3]), relativeTo: folder)
      #expect(found == expected[index % 3])
    }
    #expect(cache.byteCount <= cache.byteLimit)
  }
}
