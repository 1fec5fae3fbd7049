// SPDX-License-Identifier: Apache-2.0
package import CImageCodecs
package import PipelineCore

/// The messages about images that cannot be used.
package enum ImageFailure {
  package static func tooManyBytes(_ count: Int, _ name: String, _ limits: ImageLimits) -> PipelineError {
    PipelineError(
      .invalidData,
      "\(name): the image has \(count) bytes, the limit is \(limits.bytes); make it smaller or raise the limit")
  }

  package static func tooManyPixels(_ width: Int, _ height: Int, _ name: String, _ limits: ImageLimits) -> PipelineError
  {
    PipelineError(
      .invalidData,
      "\(name): the image says it has \(width) x \(height) pixels, the limit is \(limits.pixels) in all; "
        + "make it smaller or raise the limit")
  }

  package static func codec(
    _ status: cimage_status, _ header: cimage_header, _ message: [CChar], _ name: String
  ) -> PipelineError {
    let format =
      switch cimage_format(UInt32(header.format)) {
      case CIMAGE_PNG: "PNG"
      case CIMAGE_JPEG: "JPEG"
      case CIMAGE_GIF: "GIF"
      case CIMAGE_BMP: "BMP"
      case CIMAGE_TIFF: "TIFF"
      default: "WebP"
      }
    let reason = message.withUnsafeBufferPointer { buffer in
      String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    let text =
      switch status {
      case CIMAGE_FOREIGN: "not a PNG, JPEG, WebP, GIF, BMP or TIFF image: \(reason); convert it to one of these"
      case CIMAGE_UNSUPPORTED: "this kind of \(format) cannot be read: \(reason); save it as PNG"
      case CIMAGE_NO_MEMORY: "no memory to decode the \(format) image; make it smaller"
      default: "the \(format) image is damaged: \(reason); replace the file"
      }
    return PipelineError(.invalidData, "\(name): \(text)")
  }
}
