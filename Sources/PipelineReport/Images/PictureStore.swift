// SPDX-License-Identifier: Apache-2.0
import Files
import ModelInput
import PipelineCore
import Synchronization

/// The images of a report: each is kept once, under a name made from its bytes, with a small copy for lists.
///
/// Only what decodes as an image is kept. An image that cannot be read is described by the reason.
package final class PictureStore: Sendable {
  /// The longest side of a small copy, in pixels.
  static let smallSide = 160
  /// A file of at most so many bytes and twice that side is small enough as it is.
  private static let smallBytes = 24 << 10

  private let sink: any ReportSink
  private let known = Mutex<[String: String]>([:])
  private let stored = Mutex<[String: String]>([:])

  /// Writes images into a sink.
  package init(_ sink: any ReportSink) { self.sink = sink }

  /// How many different images there are.
  var count: Int { stored.withLock { $0.count } }

  /// What the page is told of an image: `NAME:WIDTH:HEIGHT:SMALL`, where SMALL names the small copy, or `!` and a reason.
  func description(of address: String, folder: String, places: PicturePlaces) -> String {
    let key = address.utf8.count > 512 ? "\u{0}" + Self.hash(Array(address.utf8)) : folder + "\u{0}" + address
    if let found = known.withLock({ $0[key] }) { return found }
    let description = described(address, folder, places)
    known.withLock { $0[key] = description }
    return description
  }

  private func described(_ address: String, _ folder: String, _ places: PicturePlaces) -> String {
    var reason = ""
    for start in [folder] + places.folders {
      do {
        let source = try ImageSource(address, relativeTo: start)
        let confined = try places.access.confined(source, to: start)
        return try stored(try source.read(confined: confined), name: source.name)
      } catch let error {
        // The first place is the one that the record means.
        if reason.isEmpty { reason = (error as? PipelineError)?.message ?? "it cannot be read" }
      }
    }
    return "!" + RawText.shortened(reason, 300)
  }

  private func stored(_ bytes: [UInt8], name: String) throws -> String {
    let hash = Self.hash(bytes)
    if let description = stored.withLock({ $0[hash] }) { return description }
    let image = try RGBImage(decoding: bytes, name: name)
    let kind = PictureKind(of: bytes)
    let fileName = hash + (kind?.ending ?? ".jpg")
    var small = fileName
    try sink.add(picture: fileName, kind == nil ? try image.jpeg(quality: 92) : bytes)
    let longest = max(image.width, image.height)
    if bytes.count > Self.smallBytes || longest > 2 * Self.smallSide {
      small = hash + "-small.jpg"
      try sink.add(picture: small, try image.fitted(into: Self.smallSide).jpeg(quality: 82))
    }
    let description = "\(fileName):\(image.width):\(image.height):\(small)"
    stored.withLock { $0[hash] = description }
    return description
  }

  private static func hash(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    hash.add(bytes)
    return String(hash.digits.prefix(20))
  }
}

/// The kinds of image that every browser shows.
private enum PictureKind {
  case png, jpeg, gif, webp, bmp

  init?(of bytes: [UInt8]) {
    switch bytes.prefix(2) {
    case [0x89, 0x50]: self = .png
    case [0xFF, 0xD8]: self = .jpeg
    case [0x47, 0x49]: self = .gif
    case [0x52, 0x49]: self = .webp
    case [0x42, 0x4D]: self = .bmp
    default: return nil
    }
  }

  var ending: String {
    switch self {
    case .png: ".png"
    case .jpeg: ".jpg"
    case .gif: ".gif"
    case .webp: ".webp"
    case .bmp: ".bmp"
    }
  }
}
