// SPDX-License-Identifier: Apache-2.0
package import PipelineCore

/// The bounds that a policy's options set for the pixels of all images, in place of the model's own.
package struct PixelLimits: Sendable, Hashable {
  /// The fewest pixels of a resized image.
  package var minPixels: PixelLimit
  /// The most pixels of a resized image.
  package var maxPixels: PixelLimit

  /// The model's own bounds, unless others are given.
  package init(minPixels: PixelLimit = .model, maxPixels: PixelLimit = .model) {
    self.minPixels = minPixels
    self.maxPixels = maxPixels
  }

  /// The help for the options `min_pixels` and `max_pixels` of a policy.
  package static let help = [
    "min_pixels": "the fewest pixels of an image as the model sees it; 'model' for what its image processor says",
    "max_pixels":
      "the most pixels of an image as the model sees it, which bound its tokens; 'model' for what its image "
      + "processor says",
  ]

  /// The problems of the options.
  package var problems: [OptionProblem] {
    var problems: [OptionProblem] = []
    for (name, limit) in [("min_pixels", minPixels), ("max_pixels", maxPixels)] {
      guard case .pixels(let count) = limit else { continue }
      if let problem = OptionProblem.unless(name, count, in: 1...ImageLimits().pixels) { problems.append(problem) }
    }
    if problems.isEmpty, case .pixels(let least) = minPixels, case .pixels(let most) = maxPixels, least > most {
      problems.append(OptionProblem("min_pixels", "is \(least), it must not be more than max_pixels, \(most)"))
    }
    return problems
  }
}

/// A bound of a policy's images.
package enum PixelLimit: Codable, Sendable, Hashable, SelfDescribingOption {
  /// What the model's image processor says.
  case model
  /// This many pixels.
  case pixels(Int)

  /// A number or the word `model`.
  package init(from decoder: any Decoder) throws {
    let single = try decoder.singleValueContainer()
    if let count = try? single.decode(Int.self) {
      self = .pixels(count)
    } else if (try? single.decode(String.self)) == "model" {
      self = .model
    } else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath, debugDescription: "must be a whole number of pixels or 'model'"))
    }
  }

  /// Writes a form that can be read again.
  package func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .model: try single.encode("model")
    case .pixels(let count): try single.encode(count)
    }
  }

  /// A number or the word `model`.
  package static let schema: JSONValue = [
    "oneOf": [["type": "integer", "minimum": 1], ["const": "model"]]
  ]

  /// The bound, given the model's own.
  fileprivate func value(model: Int) -> Int {
    switch self {
    case .model: model
    case .pixels(let count): count
    }
  }
}

extension ImageProcessorConfig {
  /// The configuration with other bounds.
  ///
  /// - Parameter folder: The model's folder, for messages.
  /// - Throws: ``PipelineError`` when one bound is given and contradicts the model's other.
  package func limited(by limits: PixelLimits, folder: String) throws -> ImageProcessorConfig {
    var config = self
    config.minPixels = limits.minPixels.value(model: minPixels)
    config.maxPixels = limits.maxPixels.value(model: maxPixels)
    guard config.minPixels <= config.maxPixels else {
      let (given, other) = limits.maxPixels == .model ? ("min_pixels", "max_pixels") : ("max_pixels", "min_pixels")
      let most = "at least \(config.minPixels) pixels, at most \(config.maxPixels)"
      throw PipelineError(
        .invalidSpec, "'\(given)' contradicts the '\(other)' of \(folder) (\(most)); give '\(other)' too")
    }
    return config
  }
}
