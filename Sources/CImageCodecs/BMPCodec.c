// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, MASKS_AND_ALPHA = 56 };

enum { UNCOMPRESSED = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3 };

// The places of red, green, blue and alpha among the bytes of a pixel; -1 for no alpha.
typedef struct {
  int8_t red, green, blue, alpha;
} byte_order;

typedef struct {
  cimage_job *job;
  uint32_t header_size, bits, compression, color_count;
  size_t color_size;
  // Where the colour table and the pixels begin.
  size_t colors_at, pixels_at;
  int is_bottom_up;
  byte_order order;
  // Of 16 bits, how many are green.
  int green_bits;
  uint8_t colors[256][3];
  // As in Pillow, a table of black and white alone means one bit a pixel, and one of the greys 0, 1, 2 … a byte.
  enum { INDEXED, BITS, GREY } colors_mean;
} bmp_reader;

static uint32_t number(const uint8_t *at, int width) {
  uint32_t value = 0;
  for (int i = 0; i < width; i++) value |= (uint32_t)at[i] << (8 * i);
  return value;
}

static cimage_status broken(bmp_reader *reader, const char *message) {
  return cimage_fail(reader->job, CIMAGE_BROKEN, message);
}

static cimage_status unsupported(bmp_reader *reader, const char *message) {
  return cimage_fail(reader->job, CIMAGE_UNSUPPORTED, message);
}

// The orders of bytes that Pillow knows, by the masks of red, green, blue and alpha.
static cimage_status choose_masks(bmp_reader *reader, const uint32_t masks[4]) {
  static const struct {
    uint32_t bits, red, green, blue, alpha;
    byte_order order;
    int green_bits;
  } known[] = {
      {32, 0xFF0000, 0xFF00, 0xFF, 0, {2, 1, 0, -1}, 0},
      {32, 0xFF000000, 0xFF0000, 0xFF00, 0, {3, 2, 1, -1}, 0},
      {32, 0xFF000000, 0xFF00, 0xFF, 0, {3, 1, 0, -1}, 0},
      {32, 0xFF000000, 0xFF0000, 0xFF00, 0xFF, {3, 2, 1, 0}, 0},
      {32, 0xFF, 0xFF00, 0xFF0000, 0xFF000000, {0, 1, 2, 3}, 0},
      {32, 0xFF0000, 0xFF00, 0xFF, 0xFF000000, {2, 1, 0, 3}, 0},
      {32, 0xFF000000, 0xFF00, 0xFF, 0xFF0000, {3, 1, 0, 2}, 0},
      {32, 0, 0, 0, 0, {2, 1, 0, 3}, 0},
      {24, 0xFF0000, 0xFF00, 0xFF, 0, {2, 1, 0, -1}, 0},
      {16, 0xF800, 0x7E0, 0x1F, 0, {0, 0, 0, -1}, 6},
      {16, 0x7C00, 0x3E0, 0x1F, 0, {0, 0, 0, -1}, 5},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].bits != reader->bits || known[i].red != masks[0] || known[i].green != masks[1] ||
        known[i].blue != masks[2] || (reader->bits == 32 && known[i].alpha != masks[3]))
      continue;
    reader->order = known[i].order;
    reader->green_bits = known[i].green_bits;
    return CIMAGE_OK;
  }
  return unsupported(reader, "its colour masks are unusual");
}

// The masks stand in the longer headers, and behind the header of 40 bytes.
static cimage_status read_masks(bmp_reader *reader) {
  const cimage_job *job = reader->job;
  size_t at = FILE_HEADER + INFO_HEADER;
  if (reader->header_size == INFO_HEADER) reader->colors_at += 12;
  if (job->length < at + 12) return broken(reader, "it ends early");
  uint32_t masks[4] = {0};
  for (int i = 0; i < 3; i++) masks[i] = number(job->bytes + at + 4 * (size_t)i, 4);
  if (reader->header_size >= MASKS_AND_ALPHA) masks[3] = number(job->bytes + at + 12, 4);
  return choose_masks(reader, masks);
}

static cimage_status read_core_header(bmp_reader *reader) {
  cimage_job *job = reader->job;
  const uint8_t *header = job->bytes + FILE_HEADER;
  job->width = number(header + 4, 2);
  job->height = number(header + 6, 2);
  reader->bits = number(header + 10, 2);
  reader->color_size = 3;
  return CIMAGE_OK;
}

static cimage_status read_info_header(bmp_reader *reader) {
  cimage_job *job = reader->job;
  const uint8_t *header = job->bytes + FILE_HEADER;
  job->width = number(header + 4, 4);
  job->height = number(header + 8, 4);
  // A negative height means that the first row is the top one.
  if (header[11] == 0xFF) {
    reader->is_bottom_up = 0;
    job->height = 0 - job->height;
  }
  if (job->width > INT32_MAX || job->height > INT32_MAX) return broken(reader, "it has a negative size");
  reader->bits = number(header + 14, 2);
  reader->compression = number(header + 16, 4);
  reader->color_count = number(header + 32, 4);
  reader->color_size = 4;
  return CIMAGE_OK;
}

static cimage_status choose_pixels(bmp_reader *reader) {
  switch (reader->bits) {
  case 1:
  case 4:
  case 8: break;
  case 16: reader->green_bits = 5; break;
  case 24:
  case 32: reader->order = (byte_order){2, 1, 0, -1}; break;
  default: return unsupported(reader, "it has neither 1, 4, 8, 16, 24 nor 32 bits a pixel");
  }
  switch (reader->compression) {
  case UNCOMPRESSED: return CIMAGE_OK;
  case BITFIELDS:
    return reader->bits > 8 ? read_masks(reader) : unsupported(reader, "it has colour masks and a colour table");
  case RLE8:
  case RLE4:
    return reader->bits == (reader->compression == RLE8 ? 8 : 4)
               ? CIMAGE_OK
               : unsupported(reader, "its compression does not suit its bits a pixel");
  default: return unsupported(reader, "its compression is neither run lengths nor none");
  }
}

static cimage_status read_header(bmp_reader *reader) {
  cimage_job *job = reader->job;
  if (job->length < FILE_HEADER + 4) return broken(reader, "it ends early");
  reader->pixels_at = number(job->bytes + 10, 4);
  uint32_t size = number(job->bytes + FILE_HEADER, 4);
  int is_known = size == 12 || size == 40 || size == 52 || size == 56 || size == 64 || size == 108 || size == 124;
  if (!is_known) return unsupported(reader, "its header is of an unknown kind");
  if (job->length < FILE_HEADER + (size_t)size) return broken(reader, "it ends early");
  reader->header_size = size;
  reader->is_bottom_up = 1;
  reader->colors_at = FILE_HEADER + (size_t)size;
  cimage_status status = size == CORE_HEADER ? read_core_header(reader) : read_info_header(reader);
  return status == CIMAGE_OK ? choose_pixels(reader) : status;
}

static cimage_status read_colors(bmp_reader *reader) {
  const cimage_job *job = reader->job;
  uint32_t count = reader->color_count != 0 ? reader->color_count : 1u << reader->bits;
  if (count > 65536) return broken(reader, "it says that it has more than 65536 colours");
  size_t size = reader->color_size * count;
  // Pillow puts the pixels behind the table, whatever the file says, when it says that there is no room for one.
  if (reader->pixels_at == FILE_HEADER + (size_t)reader->header_size) reader->pixels_at += size;
  size_t left = job->length - reader->colors_at, got = size < left ? size : left;
  if (reader->pixels_at == 0) reader->pixels_at = reader->colors_at + got;
  const uint8_t *table = job->bytes + reader->colors_at;
  int is_ramp = 1;
  for (uint32_t i = 0; i < count && is_ramp; i++) {
    uint32_t grey = count == 2 && i == 1 ? 255 : i;
    const uint8_t *color = table + i * reader->color_size;
    is_ramp = grey < 256 && i * reader->color_size + 3 <= got;
    for (int c = 0; c < 3 && is_ramp; c++) is_ramp = color[c] == grey;
  }
  reader->colors_mean = !is_ramp ? INDEXED : count <= 2 ? BITS : GREY;
  if (is_ramp) {
    for (int i = 0; i < 256; i++) memset(reader->colors[i], reader->colors_mean == GREY ? i : i > 0 ? 255 : 0, 3);
    return CIMAGE_OK;
  }
  if (got / reader->color_size > 256) return unsupported(reader, "it has more than 256 colours in its table");
  for (size_t i = 0; i < got / reader->color_size; i++)
    for (int c = 0; c < 3; c++) reader->colors[i][c] = table[i * reader->color_size + 2 - (size_t)c];
  return CIMAGE_OK;
}

// The bits of one sample in an uncompressed row.
static uint32_t sample_bits(const bmp_reader *reader) {
  if (reader->bits > 8 || reader->colors_mean == INDEXED) return reader->bits;
  return reader->colors_mean == BITS ? 1 : 8;
}

static void indexed_row(const bmp_reader *reader, const uint8_t *row, uint8_t *rgb) {
  uint32_t bits = sample_bits(reader), mask = (1u << bits) - 1;
  for (uint32_t x = 0; x < reader->job->width; x++) {
    uint32_t place = x * bits, index = (uint32_t)(row[place / 8] >> (8 - bits - place % 8)) & mask;
    memcpy(rgb + 3 * (size_t)x, reader->colors[index], 3);
  }
}

static void rgb16_row(const bmp_reader *reader, const uint8_t *row, uint8_t *rgb) {
  int green_bits = reader->green_bits;
  uint32_t green_top = (1u << green_bits) - 1;
  for (uint32_t x = 0; x < reader->job->width; x++, row += 2, rgb += 3) {
    uint32_t pixel = number(row, 2);
    rgb[0] = (uint8_t)((pixel >> (5 + green_bits) & 31) * 255 / 31);
    rgb[1] = (uint8_t)((pixel >> 5 & green_top) * 255 / green_top);
    rgb[2] = (uint8_t)((pixel & 31) * 255 / 31);
  }
}

static void bytes_row(const bmp_reader *reader, const uint8_t *row, uint8_t *rgb) {
  byte_order order = reader->order;
  for (uint32_t x = 0; x < reader->job->width; x++, row += reader->bits / 8, rgb += 3) {
    uint8_t rgba[4] = {row[order.red], row[order.green], row[order.blue], 255};
    if (order.alpha >= 0) rgba[3] = row[order.alpha];
    cimage_on_white(rgba, rgb, 1);
  }
}

static uint8_t *target_row(const bmp_reader *reader, uint32_t y) {
  const cimage_job *job = reader->job;
  return job->rgb + (size_t)(reader->is_bottom_up ? job->height - 1 - y : y) * job->width * 3;
}

static cimage_status read_rows(bmp_reader *reader) {
  const cimage_job *job = reader->job;
  size_t stride = ((size_t)job->width * reader->bits + 31) / 32 * 4;
  size_t used = ((size_t)job->width * sample_bits(reader) + 7) / 8;
  if (used > stride) return unsupported(reader, "its colour table contradicts its bits a pixel");
  // Behind the last row there need be no padding.
  if (reader->pixels_at > job->length || job->length - reader->pixels_at < used ||
      (job->length - reader->pixels_at - used) / stride < job->height - 1)
    return broken(reader, "it ends early");
  for (uint32_t y = 0; y < job->height; y++) {
    const uint8_t *row = job->bytes + reader->pixels_at + y * stride;
    if (reader->bits <= 8) indexed_row(reader, row, target_row(reader, y));
    else if (reader->bits == 16) rgb16_row(reader, row, target_row(reader, y));
    else bytes_row(reader, row, target_row(reader, y));
  }
  return CIMAGE_OK;
}

// Run lengths are unpacked into indices from the bottom, one after the other.
typedef struct {
  const bmp_reader *bmp;
  size_t at;
  uint8_t *indices;
  size_t count, filled;
  // The column as Pillow counts it: behind a run that is too long it is the row's end.
  size_t column;
} run_reader;

static int next_byte(run_reader *runs) {
  const cimage_job *job = runs->bmp->job;
  return runs->at < job->length ? job->bytes[runs->at++] : -1;
}

static void put(run_reader *runs, uint8_t index) {
  if (runs->filled < runs->count) runs->indices[runs->filled] = index;
  runs->filled++;
}

static void put_run(run_reader *runs, size_t length, uint8_t value) {
  size_t width = runs->bmp->job->width;
  if (runs->column + length > width) length = runs->column < width ? width - runs->column : 0;
  for (size_t i = 0; i < length; i++)
    put(runs, runs->bmp->compression == RLE8 ? value : i % 2 == 0 ? value >> 4 : value & 15);
  runs->column += length;
}

static void skip(run_reader *runs, size_t length) {
  size_t left = runs->count - runs->filled;
  for (size_t i = 0; i < length && i < left; i++) put(runs, 0);
  runs->column = runs->filled % runs->bmp->job->width;
}

// Pixels that stand as they are. Returns 0 at the end of the data.
static int put_literals(run_reader *runs, size_t length) {
  size_t left = runs->count - runs->filled, count = length < left ? length : left;
  int is_rle8 = runs->bmp->compression == RLE8;
  for (size_t i = 0; i < count; i += is_rle8 ? 1 : 2) {
    int value = next_byte(runs);
    if (value < 0) return 0;
    put(runs, (uint8_t)(is_rle8 ? value : value >> 4));
    if (!is_rle8 && i + 1 < count) put(runs, (uint8_t)(value & 15));
  }
  runs->column += length;
  // To an even place in the file, as Pillow counts it.
  runs->at += runs->at % 2;
  return 1;
}

// Returns 0 at the end of the image or the data.
static int unpack_escape(run_reader *runs, int code) {
  size_t width = runs->bmp->job->width;
  if (code == 1) return 0;
  if (code == 0) {
    skip(runs, (width - runs->filled % width) % width);
    runs->column = 0;
    return 1;
  }
  if (code > 2) return put_literals(runs, (size_t)code);
  int right = next_byte(runs), up = next_byte(runs);
  if (right < 0 || up < 0) return 0;
  skip(runs, (size_t)right + (size_t)up * width);
  return 1;
}

static void unpack(run_reader *runs) {
  while (runs->filled < runs->count) {
    int length = next_byte(runs), value = next_byte(runs);
    if (length < 0 || value < 0) return;
    if (length > 0) put_run(runs, (size_t)length, (uint8_t)value);
    else if (!unpack_escape(runs, value)) return;
  }
}

static cimage_status read_runs(bmp_reader *reader) {
  const cimage_job *job = reader->job;
  run_reader runs = {.bmp = reader, .at = reader->pixels_at, .count = (size_t)job->width * job->height};
  runs.indices = malloc(runs.count);
  if (!runs.indices) return cimage_fail(reader->job, CIMAGE_NO_MEMORY, "no memory");
  unpack(&runs);
  int is_whole = runs.filled >= runs.count;
  for (uint32_t y = 0; y < job->height && is_whole; y++) {
    uint8_t *rgb = target_row(reader, y);
    for (uint32_t x = 0; x < job->width; x++)
      memcpy(rgb + 3 * (size_t)x, reader->colors[runs.indices[(size_t)y * job->width + x]], 3);
  }
  free(runs.indices);
  return is_whole ? CIMAGE_OK : broken(reader, "it ends early");
}

cimage_status cimage_bmp(cimage_job *job) {
  bmp_reader reader = {.job = job};
  uint32_t width = job->width, height = job->height;
  cimage_status status = read_header(&reader);
  if (status != CIMAGE_OK || !job->rgb) return status;
  if (width != job->width || height != job->height) return broken(&reader, "it contradicts itself on its size");
  if (reader.bits <= 8) {
    status = read_colors(&reader);
    if (status != CIMAGE_OK) return status;
  } else if (reader.pixels_at == 0) {
    reader.pixels_at = reader.colors_at;
  }
  return reader.compression == RLE8 || reader.compression == RLE4 ? read_runs(&reader) : read_rows(&reader);
}
