// SPDX-License-Identifier: Apache-2.0
import Foundation
package import PipelineCore
import Synchronization

/// Reads, decodes and processes images, and keeps the most recent results: patches, or pixels.
///
/// One image serves all rollouts of its prompt: the first caller does the work, others wait for it. Files are
/// identified by path, size and modification time, data URIs by their text, and both by the size that the record asks for and
/// by what is done to their pixels.
/// The cache never changes what is returned.
/// Failures are not cached.
package final class ImageCache<Product: Sendable>: Sendable {
  /// Checked for each image.
  package let limits: ImageLimits
  /// The most bytes of results and references that are kept; a larger image is still returned.
  package let byteLimit: Int

  /// Where images may lie.
  private let access: MediaAccess
  private let make: @Sendable (RGBImage, ImageReference, String) throws -> Product
  private let byteCountOf: @Sendable (Product) -> Int
  private let state = Mutex(State())

  /// Makes an empty cache.
  ///
  /// - Parameters:
  ///   - byteCount: The size of a result in bytes.
  ///   - make: Computes the result for an image, what is asked of it, and a name for messages.
  package init(
    limits: ImageLimits = ImageLimits(), access: MediaAccess = MediaAccess(), byteLimit: Int = 512 << 20,
    byteCount: @escaping @Sendable (Product) -> Int,
    make: @escaping @Sendable (RGBImage, ImageReference, String) throws -> Product
  ) {
    self.limits = limits
    self.access = access
    self.byteLimit = byteLimit
    self.make = make
    byteCountOf = byteCount
  }

  /// The result for an image; see ``ImageSource`` for the permitted references.
  ///
  /// - Throws: ``PipelineError`` when it cannot be read, decoded or resized: that is the failure of one record.
  package func product(of reference: ImageReference, relativeTo folder: String = "") throws -> Product {
    let source = try ImageSource(reference.address, relativeTo: folder)
    let confined = try access.confined(source, to: folder)
    let file: ImageFile? =
      if case .file(let path) = source { try ImageFile(path: path, confined: confined) } else { nil }
    let key = Key(source, file, reference)
    let slot = state.withLock { $0.slot(for: key) }
    // Holding the slot's lock makes only those wait that want the same image.
    return try slot.product.withLock { product in
      if let product { return product }
      do {
        let bytes = try file?.read(limits: limits) ?? source.read(limits: limits)
        let image = try RGBImage(decoding: bytes, name: source.name, limits: limits)
        let made = try make(image, reference, source.name)
        product = made
        let cost = byteCountOf(made) + key.byteCount
        state.withLock { $0.keep(key, slot, cost: cost, limit: byteLimit) }
        return made
      } catch {
        state.withLock { $0.forget(key, slot) }
        throw error
      }
    }
  }

  /// The number of bytes kept.
  package var byteCount: Int { state.withLock { $0.byteCount } }
}

extension ImageCache {
  /// The identity of an image, byte by byte: two spellings of "é" name two files.
  private struct Key: Hashable {
    let text: [UInt8]
    let isFile: Bool
    let sizing: ImageSizing
    let change: ImageChange
    var size: Int64 = 0
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0
    var number: UInt64 = 0

    init(_ source: ImageSource, _ file: ImageFile?, _ reference: ImageReference) {
      (sizing, change) = (reference.sizing, reference.change)
      switch source {
      case .file(let path): (text, isFile) = (Array(path.utf8), true)
      case .base64(let data): (text, isFile) = (Array(data.utf8), false)
      }
      guard let status = file?.status else { return }
      #if canImport(Darwin)
        let changed = status.st_mtimespec
      #else
        let changed = status.st_mtim
      #endif
      size = Int64(status.st_size)
      seconds = Int64(changed.tv_sec)
      nanoseconds = Int64(changed.tv_nsec)
      number = UInt64(status.st_ino)
    }

    var byteCount: Int { text.count }
  }

  /// The slot of one image, empty until its result is computed.
  private final class Slot: Sendable {
    let product = Mutex<Product?>(nil)
  }

  private struct State {
    struct Entry {
      let slot: Slot
      var cost = 0
      var lastUse = 0
    }

    var entries: [Key: Entry] = [:]
    var byteCount = 0
    var uses = 0

    mutating func slot(for key: Key) -> Slot {
      uses += 1
      entries[key, default: Entry(slot: Slot())].lastUse = uses
      return entries[key]?.slot ?? Slot()
    }

    mutating func keep(_ key: Key, _ slot: Slot, cost: Int, limit: Int) {
      guard entries[key]?.slot === slot else { return }
      entries[key]?.cost = cost
      byteCount += cost
      if cost > limit { forget(key, slot) }
      while byteCount > limit, let oldest = entries.lazy.filter({ $0.value.cost > 0 }).min(by: Self.isOlder) {
        forget(oldest.key, oldest.value.slot)
      }
    }

    mutating func forget(_ key: Key, _ slot: Slot) {
      guard let entry = entries[key], entry.slot === slot else { return }
      byteCount -= entry.cost
      entries[key] = nil
    }

    private static func isOlder(_ a: (key: Key, value: Entry), _ b: (key: Key, value: Entry)) -> Bool {
      a.value.lastUse < b.value.lastUse
    }
  }
}

extension ImageCache where Product == ImagePatches {
  /// Makes an empty cache of patches.
  package convenience init(
    processor: ImageProcessor, limits: ImageLimits = ImageLimits(), access: MediaAccess = MediaAccess(),
    byteLimit: Int = 512 << 20
  ) {
    self.init(
      limits: limits, access: access, byteLimit: byteLimit, byteCount: { $0.values.count * MemoryLayout<Float>.stride }
    ) {
      try processor.patches(of: $0, sizing: $1.sizing, change: $1.change, name: $2)
    }
  }

  /// The patches of an image.
  ///
  /// - Throws: ``PipelineError``, as ``product(of:relativeTo:)`` does.
  package func patches(of reference: ImageReference, relativeTo folder: String = "") throws -> ImagePatches {
    try product(of: reference, relativeTo: folder)
  }
}
