// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

// PNG, JPEG, WebP, GIF, BMP and TIFF to 8-bit RGB, by libpng, libjpeg, libwebp, giflib and libtiff; BMP is read here.
// Nothing here exits, prints, throws or jumps out: every failure is a status with a message, for any input.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CIMAGE_OK = 0,
  // The bytes are no file of these formats; the message says what they look like.
  CIMAGE_FOREIGN = 1,
  // The file is damaged or ends early.
  CIMAGE_BROKEN = 2,
  // The file may be sound, but uses something that cannot be read here.
  CIMAGE_UNSUPPORTED = 3,
  CIMAGE_NO_MEMORY = 4,
} cimage_status;

typedef enum {
  CIMAGE_PNG = 1,
  CIMAGE_JPEG = 2,
  CIMAGE_WEBP = 3,
  CIMAGE_GIF = 4,
  CIMAGE_BMP = 5,
  CIMAGE_TIFF = 6,
} cimage_format;

enum { CIMAGE_MESSAGE_CAPACITY = 200 };

typedef struct {
  // A cimage_format.
  int32_t format;
  // As stored, before the orientation is applied. At least 1 each.
  uint32_t width, height;
} cimage_header;

// Reads format and size without allocating anything for pixels. After a failure `message` says why.
cimage_status cimage_read_header(
    const uint8_t *bytes, size_t length, cimage_header *header, char message[CIMAGE_MESSAGE_CAPACITY]);

// Decodes into `rgb`, which has room for `header->width * header->height * 3` bytes, all zero: rows from the top,
// without gaps. `orientation` receives that of the EXIF or XMP data, 1 to 8, or 1. Of an animation, the first
// frame; of several pages, the first one.
//
// What is transparent lies on white. 16 bits become 8 by dropping the lower half, except in grey images without alpha,
// where values above 255 become 255; so do wider integers and floats. CMYK in JPEG is taken for inverted, as Adobe writes
// it. That is what Pillow does, followed by transformers' convert_to_rgb.
cimage_status cimage_decode(
    const uint8_t *bytes, size_t length, const cimage_header *header, uint8_t *rgb, int32_t *orientation,
    char message[CIMAGE_MESSAGE_CAPACITY]);

// Encodes rows of RGB from the top, without gaps, as a JPEG file of a quality from 1 to 100. `bytes` receives memory that the
// caller frees with `free`; after a failure it is as it was, and `message` says why.
cimage_status cimage_encode_jpeg(
    const uint8_t *rgb, uint32_t width, uint32_t height, int32_t quality, uint8_t **bytes, size_t *length,
    char message[CIMAGE_MESSAGE_CAPACITY]);

#ifdef __cplusplus
}
#endif
