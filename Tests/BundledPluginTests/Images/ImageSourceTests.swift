// SPDX-License-Identifier: Apache-2.0
import BundledPlugin
import Foundation
import ModelInput
import PipelineCore
import Testing

@Suite("Image references", .timeLimit(.minutes(15)))
struct ImageSourceTests {
  @Test("paths are relative to the folder, file URLs are not")
  func paths() throws {
    #expect(try ImageSource("images/17.png", relativeTo: "data") == .file(path: "data/images/17.png"))
    #expect(try ImageSource("images/17.png", relativeTo: "data/") == .file(path: "data/images/17.png"))
    #expect(try ImageSource("17.png", relativeTo: "") == .file(path: "17.png"))
    #expect(try ImageSource("/a/17.png", relativeTo: "data") == .file(path: "/a/17.png"))
    #expect(try ImageSource("http_picture.png", relativeTo: "") == .file(path: "http_picture.png"))
    #expect(try ImageSource("a:b.png", relativeTo: "") == .file(path: "a:b.png"))
    #expect(try ImageSource("file:///a/b%20c.png", relativeTo: "data") == .file(path: "/a/b c.png"))
    #expect(try ImageSource("file://localhost/a.png", relativeTo: "data") == .file(path: "/a.png"))
  }

  @Test("what is not read is refused with a remedy")
  func refusals() {
    func message(_ reference: String) -> String? {
      ImageFixtures.message { _ = try ImageSource(reference, relativeTo: "") }
    }
    #expect(message("") == "image '': the reference is empty; give a path or a data URI")
    #expect(
      message("https://example.org/a.png") == "image 'https://example.org/a.png': images are not fetched from the "
        + "network; download it and give the path of the file")
    #expect(
      message("s3://bucket/a.png")
        == "image 's3://bucket/a.png': 's3' references are not read; download it and give the path of the file")
    #expect(
      message("file://a.png") == "image 'file://a.png': a file URL is written file:///absolute/path; give it so, or "
        + "as a path without file://")
    #expect(message("a\0b") == "image 'a\0b': a path holds no NUL; give the path of a file")
    #expect(
      message("data:image/png,abc")
        == "image 'data:image/png,abc': only data URIs with base64 are read; write data:image/png;base64,…")
    #expect(message("data:image/png") == "image 'data:image/png': a data URI has a comma before the data")
  }

  @Test("a data URI gives its bytes, line breaks and all")
  func base64() throws {
    let bytes: [UInt8] = [0, 1, 2, 250, 251, 252, 253]
    let text = Data(bytes).base64EncodedString()
    #expect(try ImageSource("data:image/png;base64,\(text)", relativeTo: "x").read() == bytes)
    #expect(try ImageSource("DATA:;BASE64,\(text.prefix(4))\n\(text.dropFirst(4))", relativeTo: "").read() == bytes)
    let cut = try ImageSource("data:image/png;base64,\(text.dropLast(3))", relativeTo: "")
    #expect(
      ImageFixtures.message { _ = try cut.read() }
        == "image in a data URI of 9 characters: not base64, or cut off; encode the file again, padding included")
    #expect(throws: PipelineError.self) {
      try ImageSource("data:;base64,\(String(repeating: "A", count: 400))", relativeTo: "")
        .read(limits: ImageLimits(bytes: 100))
    }
  }

  @Test("a file that is missing, too large or none is named")
  func files() throws {
    #expect(
      ImageFixtures.message { _ = try ImageSource("none.png", relativeTo: "/nowhere").read() }
        == "/nowhere/none.png: no such image file; check the path and the folder that it is relative to")
    #expect(
      ImageFixtures.message { _ = try ImageSource("/dev/null", relativeTo: "").read() }
        == "/dev/null: it is no regular file; name an image file")
    let folder = ImageFixtures.folder.path
    #expect(throws: PipelineError.self) { try ImageSource("images", relativeTo: folder).read() }
    #expect(throws: PipelineError.self) {
      try ImageSource("images/lossy.webp", relativeTo: folder).read(limits: ImageLimits(bytes: 10))
    }
  }
}
