// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// How a checkpoint's images are prepared: `preprocessor_config.json`.
package struct ImageProcessorConfig: Sendable, Hashable {
  /// The fewest pixels of a resized image.
  package var minPixels = 56 * 56
  /// The most pixels of a resized image.
  package var maxPixels = 28 * 28 * 1280
  /// The side of a patch in pixels.
  package var patchSize = 14
  /// How often an image is repeated in time to fill a patch.
  package var temporalPatchSize = 2
  /// The number of patches per side that become one token.
  package var mergeSize = 2
  /// The factor that bytes are multiplied by first.
  package var rescaleFactor = 1.0 / 255
  /// The means that are then subtracted: red, green, blue.
  package var mean: [Double] = [0.48145466, 0.4578275, 0.40821073]
  /// The standard deviations that are then divided by: red, green, blue.
  package var standardDeviation: [Double] = [0.26862954, 0.26130258, 0.27577711]

  /// The published Qwen2-VL values.
  package init() {}

  /// Both sides of a resized image are multiples of this.
  package var sizeFactor: Int { patchSize * mergeSize }

  /// The width of a row of patches: channels, time, rows and columns of a patch.
  package var patchWidth: Int { 3 * temporalPatchSize * patchSize * patchSize }
}

extension ImageProcessorConfig {
  /// The largest patch or merge size that is accepted.
  private static let sideLimit = 1024
  private static let processors = [
    "Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast", "Qwen2VLImageProcessorPil", "Qwen2_5_VLImageProcessor",
  ]

  /// Reads `preprocessor_config.json`, or the `image_processor` of a `processor_config.json`.
  ///
  /// Pixels are bounded by `min_pixels` and `max_pixels`, or by `size` with `shortest_edge` and `longest_edge` (which
  /// are pixel counts too) or `min_pixels` and `max_pixels`. Missing values are the published ones of Qwen2-VL. Keys
  /// that do not concern images, or change nothing here, are ignored.
  ///
  /// - Parameters:
  ///   - json: The file's content.
  ///   - file: Its name in messages.
  /// - Throws: ``PipelineError`` that names a key whose value is wrong or not supported.
  package init(_ json: JSONValue, file: String) throws {
    guard let members = json.objectValue else {
      throw PipelineError(.invalidData, "\(file): expected an object, found \(json.kindDescription)")
    }
    // The last of duplicate keys counts, and null counts as absent, as in Python's reader.
    let object = Members(members, file: file, path: "")
    if let nested = try object.members("image_processor") {
      self = try ImageProcessorConfig(nested)
    } else {
      self = try ImageProcessorConfig(object)
    }
  }

  private init(_ object: Members) throws {
    if let name = object["image_processor_type"], !Self.processors.contains(name.stringValue ?? "") {
      throw object.fault("image_processor_type", "must be one of \(Self.processors.joined(separator: ", "))")
    }
    try object.require("do_resize", "true", "images that are not resized are not supported") { $0 == .bool(true) }
    try object.require("resample", "3 (bicubic)", "other filters are not supported") { $0.intValue == 3 }
    for key in ["do_center_crop", "do_pad"] {
      try object.require(key, "false", "it is not supported") { $0 == .bool(false) }
    }
    if let size = try object.members("size") {
      let least = size["shortest_edge"] == nil ? "min_pixels" : "shortest_edge"
      let most = size["longest_edge"] == nil ? "max_pixels" : "longest_edge"
      guard size[least] != nil || size[most] != nil else {
        throw object.fault("size", "must have shortest_edge and longest_edge, in pixels; fixed sizes are not supported")
      }
      minPixels = try size.integer(least, minPixels)
      maxPixels = try size.integer(most, maxPixels)
    }
    minPixels = try object.integer("min_pixels", minPixels)
    maxPixels = try object.integer("max_pixels", maxPixels)
    patchSize = try object.integer("patch_size", patchSize, limit: Self.sideLimit)
    temporalPatchSize = try object.integer("temporal_patch_size", temporalPatchSize, limit: Self.sideLimit)
    mergeSize = try object.integer("merge_size", mergeSize, limit: Self.sideLimit)
    guard minPixels <= maxPixels else {
      throw PipelineError(
        .invalidData,
        "\(object.file): the fewest pixels, \(minPixels), are more than the most, \(maxPixels); swap them")
    }
    rescaleFactor = try object.number("rescale_factor", rescaleFactor)
    if try !object.flag("do_rescale") { rescaleFactor = 1 }
    mean = try object.channels("image_mean", mean)
    standardDeviation = try object.channels("image_std", standardDeviation)
    if standardDeviation.contains(0) { throw object.fault("image_std", "must not be 0") }
    if try !object.flag("do_normalize") { (mean, standardDeviation) = ([0, 0, 0], [1, 1, 1]) }
  }
}

/// The members of an object in a config, with messages that name file and key.
private struct Members {
  let file: String
  private let path: String
  private let values: [String: JSONValue]

  init(_ members: [JSONValue.Member], file: String, path: String) {
    self.file = file
    self.path = path
    values = Dictionary(members.map { ($0.key, $0.value) }) { $1 }
  }

  subscript(key: String) -> JSONValue? {
    guard let value = values[key], value != .null else { return nil }
    return value
  }

  func fault(_ key: String, _ reason: String) -> PipelineError {
    let found = self[key].map { " is \($0.json.shortenedForMessage), it" } ?? ""
    return PipelineError(.invalidData, "\(file): '\(path)\(key)'\(found) \(reason)")
  }

  func require(_ key: String, _ expected: String, _ reason: String, _ holds: (JSONValue) -> Bool) throws {
    if let value = self[key], !holds(value) { throw fault(key, "must be \(expected); \(reason)") }
  }

  func members(_ key: String) throws -> Members? {
    guard let value = self[key] else { return nil }
    guard let members = value.objectValue else { throw fault(key, "must be an object") }
    return Members(members, file: file, path: "\(path)\(key).")
  }

  func integer(_ key: String, _ absent: Int, limit: Int = 1 << 40) throws -> Int {
    guard let value = self[key] else { return absent }
    guard let number = value.intValue, number >= 1, number <= limit else {
      throw fault(key, "must be a whole number in 1…\(limit)")
    }
    return number
  }

  func number(_ key: String, _ absent: Double) throws -> Double {
    guard let value = self[key] else { return absent }
    guard let number = value.doubleValue else { throw fault(key, "must be a number") }
    return number
  }

  func flag(_ key: String) throws -> Bool {
    guard let value = self[key] else { return true }
    guard case .bool(let flag) = value else { throw fault(key, "must be true or false") }
    return flag
  }

  /// Three numbers, or one for all three channels.
  func channels(_ key: String, _ absent: [Double]) throws -> [Double] {
    guard let value = self[key] else { return absent }
    if let number = value.doubleValue { return [number, number, number] }
    let numbers = value.arrayValue?.compactMap(\.doubleValue) ?? []
    guard numbers.count == 3, value.arrayValue?.count == 3 else { throw fault(key, "must be three numbers") }
    return numbers
  }
}
