// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "ImageInternal.h"

#include <tiffio.h>

// Samples of a pixel.
enum { MOST_SAMPLES = 6 };

// The largest strip or tile that is unpacked, and the largest other piece of memory that libtiff may ask for.
enum { PIECE_LIMIT = 1 << 30 };

typedef enum { GREY, INDEXED, RGB, CMYK, YCBCR } tiff_color;

// What the samples behind the colours mean.
typedef enum { NO_ALPHA, ALPHA, PREMULTIPLIED_ALPHA } tiff_alpha;

typedef struct {
  cimage_job *job;
  size_t offset;
  int has_message;
  TIFF *file;
  uint16_t bits, samples, sample_format, photometric, planes, compression;
  tiff_color color;
  size_t color_samples;
  tiff_alpha alpha;
  int is_inverted;
  uint8_t colors[256][3];
} tiff_reader;

// The first message of libtiff, or this one.
cimage_status cimage_tiff_broken(tiff_reader *reader, const char *message);
cimage_status cimage_tiff_unsupported(tiff_reader *reader, const char *message);

// How many values the first directory, classic or big, has for a tag; 0 without one. libtiff does not say what it has
// made up.
uint64_t cimage_tiff_value_count(const tiff_reader *reader, uint32_t tag);

// Reads what the samples mean, and refuses what Pillow does not read, or not as it is meant.
cimage_status cimage_tiff_read_kind(tiff_reader *reader);

// Reads the pixels, once their kind is known.
cimage_status cimage_tiff_read_pixels(tiff_reader *reader);
