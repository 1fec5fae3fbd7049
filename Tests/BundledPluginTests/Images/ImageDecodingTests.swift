// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

/// Parity with the pixels that Pillow 13 gives; see `Fixtures/make_images.py`.
@Suite("Image decoding", .timeLimit(.minutes(15)))
struct ImageDecodingTests {
  private struct Case: Decodable {
    let file: String
    let width: Int
    let height: Int
    let pixels: Data
  }

  @Test("files of every kind and format give the pixels that transformers sees")
  func parity() throws {
    let cases = try ImageFixtures.read("images.json", as: [Case].self)
    #expect(cases.count == 249)
    for expected in cases {
      let image = try RGBImage(decoding: ImageFixtures.image(expected.file), name: expected.file)
      #expect(image.width == expected.width && image.height == expected.height, "\(expected.file)")
      let difference = zip(image.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
      #expect(difference == 0, "\(expected.file)")
    }
  }

  @Test("a size over the limit is refused by the header alone")
  func pixelLimit() throws {
    var file = try ImageFixtures.image("rgb-8.png")
    file.replaceSubrange(16..<24, with: [0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: file, name: "huge.png") }
        == "huge.png: the image says it has 2147483647 x 2147483647 pixels, the limit is 64000000 in all; "
        + "make it smaller or raise the limit")
    let file2 = try ImageFixtures.image("progressive.jpg")
    _ = try RGBImage(decoding: file2, name: "a.jpg", limits: ImageLimits(pixels: 37 * 29))
    #expect(throws: PipelineError.self) {
      try RGBImage(decoding: file2, name: "a.jpg", limits: ImageLimits(pixels: 37 * 29 - 1))
    }
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: file2, name: "a.jpg", limits: ImageLimits(bytes: 100)) }
        == "a.jpg: the image has \(file2.count) bytes, the limit is 100; make it smaller or raise the limit")
  }

  @Test("a JPEG and a WebP that declare a huge size and hold little are refused or fail early")
  func hugeDeclaredSizes() throws {
    var jpeg = try ImageFixtures.image("progressive.jpg")
    let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC2 })
    jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0x1F, 0xFF, 0x1F, 0xFF])
    _ = try? RGBImage(decoding: jpeg, name: "a.jpg")
    jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(throws: PipelineError.self) { try RGBImage(decoding: jpeg, name: "a.jpg") }
    var webp = try ImageFixtures.image("lossy-alpha.webp")
    webp.replaceSubrange(24..<30, with: [0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00])
    #expect(throws: PipelineError.self) { try RGBImage(decoding: webp, name: "a.webp") }
  }

  @Test("what is no image is named")
  func foreign() {
    let cases: [([UInt8], String)] = [
      ([], "it is empty"), (Array("%PDF-1.7".utf8), "it is a PDF file"),
      (Array("<!DOCTYPE html>".utf8), "it is an HTML page"),
      (Array("version https://git-lfs.github.com/spec/v1".utf8), "it is a Git LFS pointer, not the image"),
      (Array("hello".utf8), "its first bytes are those of no known image"),
    ]
    for (file, reason) in cases {
      #expect(
        ImageFixtures.message { _ = try RGBImage(decoding: file, name: "x") }
          == "x: not a PNG, JPEG, WebP, GIF, BMP or TIFF image: \(reason); convert it to one of these")
    }
  }

  @Test("black ink on transparent ground stays visible: it lies on white")
  func transparency() throws {
    for name in ["rgba-8.png", "lossless-alpha.webp", "transparent.gif", "masks-rgba-108.bmp", "rgba-alpha.tif"] {
      let image = try RGBImage(decoding: ImageFixtures.image(name), name: name)
      #expect(image.pixels.contains(255), "\(name)")
    }
    // One pixel of black, wholly transparent: an image in 32 bits with masks.
    var bmp = try ImageFixtures.image("masks-bgra-56.bmp")
    bmp.replaceSubrange(18..<26, with: [1, 0, 0, 0, 1, 0, 0, 0])
    bmp.replaceSubrange((14 + 56)..<(14 + 60), with: [0, 0, 0, 0])
    #expect(try RGBImage(decoding: bmp, name: "a.bmp").pixels == [255, 255, 255])
  }

  @Test("kinds that are not read are named")
  func unread() throws {
    var bmp = try ImageFixtures.image("true-24-40.bmp")
    bmp[30] = 4
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: bmp, name: "a.bmp") }
        == "a.bmp: this kind of BMP cannot be read: its compression is neither run lengths nor none; save it as PNG")
    var gif = try ImageFixtures.image("plain.gif")
    gif.replaceSubrange(61..<62, with: [0x3B])
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: gif, name: "a.gif") }
        == "a.gif: the GIF image is damaged: it has no image in it; replace the file")
    let tiff = try ImageFixtures.image("rgb-little.tif")
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: Array(tiff.prefix(20)), name: "a.tif") }?
        .hasPrefix("a.tif: the TIFF image is damaged: ") == true)
  }

  @Test("a damaged image is said to be damaged")
  func damage() throws {
    let png = try ImageFixtures.image("rgb-8.png")
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: Array(png.prefix(200)), name: "a.png") }
        == "a.png: the PNG image is damaged: it ends early; replace the file")
    let jpeg = try ImageFixtures.image("ycbcr-420.jpg")
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: jpeg.dropLast(60), name: "a.jpg") }
        == "a.jpg: the JPEG image is damaged: it ends early; replace the file")
    let webp = try ImageFixtures.image("lossy.webp")
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: webp.dropLast(60), name: "a.webp") }
        == "a.webp: the WebP image is damaged: its data is damaged or ends early; replace the file")
    var deep = jpeg
    let frame = try #require(deep.indices.first { deep[$0] == 0xFF && deep[$0 + 1] == 0xC0 })
    deep[frame + 4] = 12
    #expect(
      ImageFixtures.message { _ = try RGBImage(decoding: deep, name: "a.jpg") }
        == "a.jpg: this kind of JPEG cannot be read: Unsupported JPEG data precision 12; save it as PNG")
  }

  /// One file of each kind that has its own path through the codecs.
  private static let hostileSeeds = [
    "rgb-16-interlaced.png", "palette-4.png", "grey-16.png", "orientation-profile.png", "orientation-xmp.png",
    "ycbcr-420.jpg", "progressive.jpg", "ycck.jpg", "restarts.jpg", "orientation-6.jpg", "orientation-xmp.jpg",
    "lossy-alpha.webp", "lossless.webp", "animated.webp", "orientation-6.webp", "rgba-16-interlaced.png",
    "palette-8-many-transparent.png", "local-only.gif", "on-larger-screen-transparent.gif", "animated.gif",
    "indexed-4-short-table.bmp", "rle-4.bmp", "rle-8.bmp", "masks-565-40.bmp", "masks-rgba-108.bmp", "true-24-12.bmp",
    "rgba-alpha-deflate-tiles.tif", "rgba-planes-deflate.tif", "group4.tif", "rgb-jpeg.tif", "ycbcr-lzw.tif",
    "palette-4.tif",
    "grey-float-big.tif", "cmyk.tif",
  ]

  /// Reading ends with an image within the limits, or with an error that says of which file it speaks.
  private func expectImageOrReason(_ name: String, _ read: () throws -> RGBImage) {
    do {
      let image = try read()
      #expect(image.width * image.height <= 1 << 20)
    } catch {
      let message = (error as? PipelineError)?.message ?? "not a pipeline error: \(error)"
      #expect(message.hasPrefix(name + ": ") && message.count > name.count + 10, "\(message)")
    }
  }

  @Test("a file cut off anywhere gives an error or an image, never a crash", arguments: hostileSeeds)
  func truncation(name: String) throws {
    let file = try ImageFixtures.image(name)
    for length in file.indices {
      // An exact allocation, so that reading behind it is noticed by a sanitizer.
      expectImageOrReason(name) { try RGBImage(decoding: Array(file[..<length]), name: name) }
    }
  }

  @Test("a file with flipped bytes gives an error or an image, never a crash", arguments: hostileSeeds)
  func mutation(name: String) throws {
    let file = try ImageFixtures.image(name)
    var random = PhiloxGenerator(seed: 1, purpose: name)
    for _ in 0..<2000 {
      var mutant = file
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let at = Int.random(in: 0..<mutant.count, using: &random)
        mutant[at] = Bool.random(using: &random) ? UInt8.random(in: 0...255, using: &random) : mutant[at] ^ 0x80
      }
      expectImageOrReason(name) { try RGBImage(decoding: mutant, name: name, limits: ImageLimits(pixels: 1 << 20)) }
    }
  }
}
