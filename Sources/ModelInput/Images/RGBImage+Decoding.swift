// SPDX-License-Identifier: Apache-2.0
import CImageCodecs
import PipelineCore

// Differs from Pillow: data that is too short for a PNG's pixels, or has a wrong checksum, is an error, not black or
// noise; invalid EXIF data is ignored, not an error. Some kinds of TIFF that Pillow reads are refused: L*a*b*, uncompressed
// YCbCr, and those whose samples Pillow mixes up.
extension RGBImage {
  /// Decodes a PNG, JPEG, WebP, GIF, BMP or TIFF file and turns it upright, following its EXIF or XMP data.
  ///
  /// The pixels are those that transformers' `convert_to_rgb` gives for `ImageOps.exif_transpose(Image.open(file))`: what
  /// is transparent lies on white, 16-bit grey above 255 becomes white, and of an animation or of several pages the first is
  /// taken.
  ///
  /// - Parameters:
  ///   - file: The file's bytes.
  ///   - name: The image's name in messages.
  ///   - limits: Checked against the header, before memory is allocated for pixels.
  /// - Throws: ``PipelineError`` when the bytes are not such a file, are damaged or too large.
  package init(decoding file: [UInt8], name: String, limits: ImageLimits = ImageLimits()) throws {
    guard file.count <= limits.bytes else { throw ImageFailure.tooManyBytes(file.count, name, limits) }
    var message = [CChar](repeating: 0, count: CIMAGE_MESSAGE_CAPACITY)
    var header = cimage_header()
    let headerStatus = file.withUnsafeBufferPointer {
      cimage_read_header($0.baseAddress, $0.count, &header, &message)
    }
    guard headerStatus == CIMAGE_OK else { throw ImageFailure.codec(headerStatus, header, message, name) }
    let (width, height) = (Int(header.width), Int(header.height))
    guard width <= limits.pixels / height else { throw ImageFailure.tooManyPixels(width, height, name, limits) }

    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    var orientation: Int32 = 1
    let status = file.withUnsafeBufferPointer { file in
      pixels.withUnsafeMutableBufferPointer {
        cimage_decode(file.baseAddress, file.count, &header, $0.baseAddress, &orientation, &message)
      }
    }
    guard status == CIMAGE_OK else { throw ImageFailure.codec(status, header, message, name) }
    self = RGBImage(width: width, height: height, pixels: pixels).turnedUpright(orientation: Int(orientation))
  }

  /// Reverses the camera's rotation, given by the EXIF orientation 1…8.
  package func turnedUpright(orientation: Int) -> RGBImage {
    // The source of the first pixel, and the distances between the sources of neighbours to the right and below.
    let (right, down) = (1, width)
    let (lastColumn, lastRow) = (width - 1, (height - 1) * width)
    let (start, toTheRight, downwards): (Int, Int, Int)
    switch orientation {
    case 2: (start, toTheRight, downwards) = (lastColumn, -right, down)
    case 3: (start, toTheRight, downwards) = (lastRow + lastColumn, -right, -down)
    case 4: (start, toTheRight, downwards) = (lastRow, right, -down)
    case 5: (start, toTheRight, downwards) = (0, down, right)
    case 6: (start, toTheRight, downwards) = (lastRow, -down, right)
    case 7: (start, toTheRight, downwards) = (lastRow + lastColumn, -down, -right)
    case 8: (start, toTheRight, downwards) = (lastColumn, down, -right)
    default: return self
    }
    let swapsSides = orientation >= 5
    let (newWidth, newHeight) = swapsSides ? (height, width) : (width, height)
    let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, count in
      pixels.withUnsafeBufferPointer { source in
        var next = 0
        for y in 0..<newHeight {
          var from = (start + y * downwards) * 3
          for _ in 0..<newWidth {
            target[next] = source[from]
            target[next + 1] = source[from + 1]
            target[next + 2] = source[from + 2]
            next += 3
            from += toTheRight * 3
          }
        }
      }
      count = pixels.count
    }
    return RGBImage(width: newWidth, height: newHeight, pixels: turned)
  }
}
