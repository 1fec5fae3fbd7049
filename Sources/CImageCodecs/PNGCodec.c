// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

// What a chunk may grow to when it is decompressed.
enum { CHUNK_LIMIT = 16 << 20 };

typedef struct {
  cimage_job *job;
  size_t offset;
  png_structp png;
  png_infop info, end_info;
  // Bytes of a pixel as libpng gives it.
  size_t channels;
  uint8_t *rgba;
  // The one transparent colour of an image without alpha.
  int has_key;
  uint8_t key[3];
} png_reader;

static void on_error(png_structp png, png_const_charp message) {
  png_reader *reader = png_get_error_ptr(png);
  cimage_fail(reader->job, CIMAGE_BROKEN, message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void on_read(png_structp png, png_bytep data, size_t count) {
  png_reader *reader = png_get_io_ptr(png);
  if (count > reader->job->length - reader->offset) png_error(png, "it ends early");
  memcpy(data, reader->job->bytes + reader->offset, count);
  reader->offset += count;
}

// As in Pillow, the lower byte of the transparent colour is compared with the pixels as they have become; in images of
// one bit it is widened as they are.
static void read_key(png_reader *reader, int color, int depth) {
  png_color_16p key = NULL;
  reader->has_key = png_get_tRNS(reader->png, reader->info, NULL, NULL, &key) != 0 && key;
  if (!reader->has_key) return;
  if (color == PNG_COLOR_TYPE_GRAY) {
    memset(reader->key, depth > 1 ? (uint8_t)key->gray : key->gray != 0 ? 255 : 0, 3);
  } else {
    reader->key[0] = (uint8_t)key->red;
    reader->key[1] = (uint8_t)key->green;
    reader->key[2] = (uint8_t)key->blue;
  }
}

// Asks libpng for what Pillow's `convert("RGBA")` or `convert("RGB")` starts from: three bytes a pixel, four with alpha, or
// two of 16-bit grey.
static void choose_output(png_reader *reader) {
  png_structp png = reader->png;
  int color = png_get_color_type(png, reader->info), depth = png_get_bit_depth(png, reader->info);
  int is_translucent = png_get_valid(png, reader->info, PNG_INFO_tRNS) != 0;
  // Before libpng changes it with the pixels.
  if (color == PNG_COLOR_TYPE_GRAY || color == PNG_COLOR_TYPE_RGB) read_key(reader, color, depth);
  if (color == PNG_COLOR_TYPE_GRAY && depth == 16) {
    reader->channels = 2;
    return;
  }
  int has_alpha = (color & PNG_COLOR_MASK_ALPHA) != 0 || (color == PNG_COLOR_TYPE_PALETTE && is_translucent);
  reader->channels = has_alpha ? 4 : 3;
  if (depth == 16) png_set_strip_16(png);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (color == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (color == PNG_COLOR_TYPE_GRAY || color == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(png);
}

// Widens two bytes of 16-bit grey to RGB in place, from the right.
static void widen_grey16(uint8_t *row, size_t width) {
  for (size_t x = width; x-- > 0;) {
    uint8_t value = row[2 * x] != 0 ? 255 : row[2 * x + 1];
    memset(row + 3 * x, value, 3);
  }
}

// Turns the one transparent colour of a grey or RGB image white.
static void whiten_key(const png_reader *reader, uint8_t *rgb, size_t count) {
  for (size_t i = 0; i < count && reader->has_key; i++, rgb += 3)
    if (memcmp(rgb, reader->key, 3) == 0) memset(rgb, 255, 3);
}

// Reads all rows as they stand, with `stride` bytes between their starts.
static void read_rows(png_reader *reader, int passes, uint8_t *rows, size_t stride) {
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < reader->job->height; y++) png_read_row(reader->png, rows + y * stride, NULL);
}

// An interlaced image is read whole, any other one row by row.
static void read_alpha(png_reader *reader, int passes) {
  cimage_job *job = reader->job;
  size_t width = job->width, height = job->height;
  reader->rgba = png_malloc(reader->png, width * 4 * (passes > 1 ? height : 1));
  if (passes > 1) {
    read_rows(reader, passes, reader->rgba, width * 4);
    cimage_on_white(reader->rgba, job->rgb, width * height);
    return;
  }
  for (size_t y = 0; y < height; y++) {
    png_read_row(reader->png, reader->rgba, NULL);
    cimage_on_white(reader->rgba, job->rgb + y * width * 3, width);
  }
}

static cimage_status read_pixels(png_reader *reader) {
  cimage_job *job = reader->job;
  if (setjmp(png_jmpbuf(reader->png))) return CIMAGE_BROKEN;
  png_read_info(reader->png, reader->info);
  if (png_get_image_width(reader->png, reader->info) != job->width ||
      png_get_image_height(reader->png, reader->info) != job->height)
    png_error(reader->png, "it contradicts itself on its size");
  choose_output(reader);
  int passes = png_set_interlace_handling(reader->png);
  png_read_update_info(reader->png, reader->info);
  if (png_get_rowbytes(reader->png, reader->info) != (size_t)job->width * reader->channels)
    png_error(reader->png, "its colour type is unknown");
  if (reader->channels == 4) {
    read_alpha(reader, passes);
    return CIMAGE_OK;
  }
  size_t stride = (size_t)job->width * 3;
  read_rows(reader, passes, job->rgb, stride);
  if (reader->channels == 2)
    for (uint32_t y = 0; y < job->height; y++) widen_grey16(job->rgb + y * stride, job->width);
  whiten_key(reader, job->rgb, (size_t)job->width * job->height);
  return CIMAGE_OK;
}

// Reads what stands behind the pixels. They are complete: damage from here on does not matter.
static void read_rest(png_reader *reader) {
  if (setjmp(png_jmpbuf(reader->png))) return;
  png_read_end(reader->png, reader->end_info);
}

// "\nexif\n    1234\n" and hexadecimal digits in lines, as ImageMagick wrote EXIF before PNG knew it.
static int32_t raw_profile_orientation(const char *text) {
  for (int line = 0; line < 3; line++) {
    text = strchr(text, '\n');
    if (!text) return 0;
    text++;
  }
  size_t capacity = strlen(text) / 2, count = 0;
  uint8_t *exif = malloc(capacity + 1);
  if (!exif) return 0;
  int high = -1;
  for (; *text; text++) {
    int digit = *text >= '0' && *text <= '9'   ? *text - '0'
                : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10
                : *text >= 'A' && *text <= 'F' ? *text - 'A' + 10
                                               : -1;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      exif[count++] = (uint8_t)(high << 4 | digit);
      high = -1;
    }
  }
  int32_t orientation = cimage_exif_orientation(exif, count);
  free(exif);
  return orientation;
}

static void read_orientation(png_reader *reader) {
  int32_t exif = 0, profile = 0, xmp = 0;
  int has_exif = 0;
  png_infop infos[] = {reader->info, reader->end_info};
  for (int i = 0; i < 2; i++) {
    png_uint_32 size = 0;
    png_bytep data = NULL;
    if (png_get_eXIf_1(reader->png, infos[i], &size, &data) != 0 && data) {
      exif = cimage_exif_orientation(data, size);
      has_exif = 1;
    }
    png_textp texts = NULL;
    int count = 0;
    png_get_text(reader->png, infos[i], &texts, &count);
    for (int t = 0; t < count; t++) {
      if (!texts[t].key || !texts[t].text) continue;
      size_t length = texts[t].compression > 0 ? texts[t].itxt_length : texts[t].text_length;
      if (strcmp(texts[t].key, "Raw profile type exif") == 0) profile = raw_profile_orientation(texts[t].text);
      if (strcmp(texts[t].key, "XML:com.adobe.xmp") == 0)
        xmp = cimage_xmp_orientation((const uint8_t *)texts[t].text, length);
    }
  }
  reader->job->orientation = cimage_orientation(has_exif ? exif : profile, xmp);
}

static cimage_status decode(cimage_job *job) {
  png_reader reader = {.job = job};
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  if (!reader.png) return cimage_fail(job, CIMAGE_NO_MEMORY, "libpng cannot start; is it of another version?");
  reader.info = png_create_info_struct(reader.png);
  reader.end_info = png_create_info_struct(reader.png);
  cimage_status status = cimage_fail(job, CIMAGE_NO_MEMORY, "no memory");
  if (reader.info && reader.end_info) {
    png_set_read_fn(reader.png, &reader, on_read);
    png_set_user_limits(reader.png, job->width, job->height);
    png_set_chunk_malloc_max(reader.png, CHUNK_LIMIT);
    png_set_benign_errors(reader.png, 1);
    status = read_pixels(&reader);
    if (status == CIMAGE_OK) {
      read_rest(&reader);
      read_orientation(&reader);
    }
  }
  png_free(reader.png, reader.rgba);
  png_destroy_read_struct(&reader.png, &reader.info, &reader.end_info);
  return status;
}

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

cimage_status cimage_png(cimage_job *job) {
  if (job->rgb) return decode(job);
  // The first chunk is the header, by the standard.
  if (job->length < 33) return cimage_fail(job, CIMAGE_BROKEN, "it ends early");
  if (memcmp(job->bytes + 12, "IHDR", 4) != 0) return cimage_fail(job, CIMAGE_BROKEN, "its header is missing");
  job->width = big_endian(job->bytes + 16);
  job->height = big_endian(job->bytes + 20);
  return CIMAGE_OK;
}
