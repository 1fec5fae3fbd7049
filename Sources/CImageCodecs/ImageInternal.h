// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "CImageCodecs.h"

// What one call works on. It lives outside every function that sets a jump target, so that no jump can leave
// its members undefined.
typedef struct {
  const uint8_t *bytes;
  size_t length;
  uint32_t width, height;
  // NULL to read the header only.
  uint8_t *rgb;
  int32_t orientation;
  char *message;
} cimage_job;

// Writes the message of a failure and returns the status.
cimage_status cimage_fail(cimage_job *job, cimage_status status, const char *message);

cimage_status cimage_png(cimage_job *job);
cimage_status cimage_jpeg(cimage_job *job);
cimage_status cimage_webp(cimage_job *job);
cimage_status cimage_gif(cimage_job *job);
cimage_status cimage_bmp(cimage_job *job);
cimage_status cimage_tiff(cimage_job *job);

// Lays RGBA pixels on a white ground.
void cimage_on_white(const uint8_t *rgba, uint8_t *rgb, size_t count);

// A pixel of CMYK, 0 for no ink, as RGB.
void cimage_rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb);

// The orientation tag of EXIF data, with or without "Exif\0\0" in front; 0 when there is none.
int32_t cimage_exif_orientation(const uint8_t *exif, size_t length);

// The same of an XMP packet.
int32_t cimage_xmp_orientation(const uint8_t *xmp, size_t length);

// What the tags together mean: EXIF wins, and a value out of 1...8 means upright.
int32_t cimage_orientation(int32_t exif, int32_t xmp);
