// SPDX-License-Identifier: Apache-2.0
import CImageCodecs
import Foundation
import PipelineCore

extension RGBImage {
  /// The image no larger than `side` pixels in either direction, with its proportions; itself if it is small enough.
  package func fitted(into side: Int) -> RGBImage {
    let longest = max(width, height)
    guard longest > side else { return self }
    return BicubicResampler().resize(
      self, width: max(1, width * side / longest), height: max(1, height * side / longest))
  }

  /// The image as a JPEG file.
  ///
  /// - Parameter quality: 1 to 100.
  /// - Throws: ``PipelineError`` where it is larger than a JPEG may be (65,500 pixels a side), or there is no memory.
  package func jpeg(quality: Int) throws -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var message = [CChar](repeating: 0, count: CIMAGE_MESSAGE_CAPACITY)
    let status = pixels.withUnsafeBufferPointer {
      cimage_encode_jpeg($0.baseAddress, UInt32(width), UInt32(height), Int32(quality), &bytes, &count, &message)
    }
    defer { free(bytes) }
    guard status == CIMAGE_OK else {
      let reason = message.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
      throw PipelineError(.invalidData, "the image of \(width) × \(height) pixels cannot be written as JPEG: \(reason)")
    }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
