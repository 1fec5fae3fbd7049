// SPDX-License-Identifier: Apache-2.0
import ModelInput
import PipelineCore
import Synchronization

/// An image as it is sent: upright, and with a name.
struct Picture: Sendable {
  let name: String
  let image: RGBImage
  /// Its patches, where it has the size from which they are cut; nil where the worker gives it its size.
  let grid: ImageGrid?

  /// Its patches.
  var knownGrid: ImageGrid {
    get throws {
      guard let grid else { throw PipelineError(.plugIn, "an image has no size; this is a mistake in the policy") }
      return grid
    }
  }
}

/// Reads images, and tracks which ones the worker has, so that each is sent once.
struct PictureShelf {
  private let cache: ImageCache<Picture>
  /// When each image of the worker was last used, and its size in bytes.
  private var held: [String: (lastUse: Int, byteCount: Int)] = [:]
  private var uses = 0
  private let byteLimit: Int

  /// The most bytes of images in one message, unless a single image has more.
  private static let messageByteCount = 64 << 20

  /// - Parameters:
  ///   - config: How images get their size; nil where the worker does that.
  ///   - byteLimit: The most bytes of images that the worker keeps, unless one request needs more.
  init(_ config: ImageProcessorConfig?, access: MediaAccess, byteLimit: Int = 1 << 30) {
    let processor = config.map(ImageProcessor.init)
    let count = Mutex(0)
    self.byteLimit = byteLimit
    cache = ImageCache(access: access, byteCount: { $0.image.pixels.count }) { image, reference, name in
      let (image, grid) = try Self.prepared(image, reference, name, by: processor)
      let number = count.withLock { count in
        count += 1
        return count
      }
      return Picture(name: "p\(number)", image: image, grid: grid)
    }
  }

  private static func prepared(
    _ image: RGBImage, _ reference: ImageReference, _ name: String, by processor: ImageProcessor?
  ) throws -> (RGBImage, ImageGrid?) {
    if let processor {
      return try processor.resized(image, sizing: reference.sizing, change: reference.change, name: name)
    }
    guard reference.sizing == .unstated else {
      throw PipelineError(
        .invalidData,
        "\(name): the record asks for a size of its image, which the model's own processor does not take; leave "
          + "\(ImageSizing.keys.joined(separator: ", ")) out")
    }
    return (image.changed(by: reference.change), nil)
  }

  /// An image; see ``ImageSource`` for the permitted addresses.
  func picture(_ image: ImageReference, _ folder: String) throws -> Picture {
    try cache.product(of: image, relativeTo: folder)
  }

  /// The messages that send images to the worker, and drop the least recently used ones.
  mutating func messages(toHold pictures: [Picture]) -> [WorkerConnection.Request] {
    uses += 1
    var new: [Picture] = []
    for picture in pictures {
      if held.updateValue((uses, picture.image.pixels.count), forKey: picture.name) == nil { new.append(picture) }
    }
    var drop = forgotten()
    var messages: [WorkerConnection.Request] = []
    var part: [Picture] = []
    var byteCount = 0
    func close() {
      if part.isEmpty && drop.isEmpty { return }
      let payloads = part.map { picture in
        (
          picture.name,
          WirePayload(bytes: picture.image.pixels, shape: [picture.image.height, picture.image.width, 3])
        )
      }
      messages.append(
        .init(
          kind: "images", members: [.init("drop", .array(drop.map { .string($0) }))], payloads: payloads, limit: 600))
      (part, drop, byteCount) = ([], [], 0)
    }
    for picture in new {
      if !part.isEmpty, byteCount + picture.image.pixels.count > Self.messageByteCount { close() }
      part.append(picture)
      byteCount += picture.image.pixels.count
    }
    close()
    return messages
  }

  private mutating func forgotten() -> [String] {
    var byteCount = held.values.reduce(0) { $0 + $1.byteCount }
    guard byteCount > byteLimit else { return [] }
    var names: [String] = []
    let oldest = held.sorted { ($0.value.lastUse, $0.key) < ($1.value.lastUse, $1.key) }
    for (name, use) in oldest where use.lastUse < uses && byteCount > byteLimit {
      held[name] = nil
      byteCount -= use.byteCount
      names.append(name)
    }
    return names
  }
}
