// SPDX-License-Identifier: Apache-2.0
#include "TIFFInternal.h"

#include <stdlib.h>
#include <string.h>

// From rows of samples to RGB.

// A wide grey sample, as libtiff gives it in the machine's byte order.
static uint8_t wide_grey(const tiff_reader *reader, const uint8_t *at) {
  double value;
  if (reader->sample_format == SAMPLEFORMAT_IEEEFP) {
    float number;
    memcpy(&number, at, sizeof number);
    value = number;
  } else if (reader->bits == 32) {
    // Unsigned ones above 2³¹ are negative to Pillow.
    int32_t number;
    memcpy(&number, at, sizeof number);
    value = number;
  } else {
    uint16_t number;
    memcpy(&number, at, sizeof number);
    value = reader->sample_format == SAMPLEFORMAT_INT ? (int16_t)number : number;
  }
  return value >= 255 ? 255 : value > 0 ? (uint8_t)value : 0;
}

// The sample at a place in a row, cut to eight bits; below eight bits, as it is.
static uint8_t sample(const tiff_reader *reader, const uint8_t *row, size_t place) {
  if (reader->bits == 8) return row[place];
  if (reader->bits < 8) {
    size_t bit = place * reader->bits;
    return (uint8_t)(row[bit / 8] >> (8 - reader->bits - bit % 8) & ((1 << reader->bits) - 1));
  }
  if (reader->color == GREY) return wide_grey(reader, row + place * (reader->bits / 8));
  uint16_t number;
  memcpy(&number, row + place * 2, sizeof number);
  return (uint8_t)(number >> 8);
}

static uint8_t divided(uint8_t value, uint8_t alpha) {
  uint32_t quotient = value * 255u / alpha;
  return (uint8_t)(quotient < 255 ? quotient : 255);
}

static void lay_on_white(const tiff_reader *reader, uint8_t rgba[4], uint8_t *rgb) {
  if (reader->alpha == PREMULTIPLIED_ALPHA && rgba[3] != 0)
    for (int c = 0; c < 3; c++) rgba[c] = divided(rgba[c], rgba[3]);
  cimage_on_white(rgba, rgb, 1);
}

static void finish_pixel(const tiff_reader *reader, const uint8_t *values, uint8_t *rgb) {
  uint8_t rgba[4];
  switch (reader->color) {
  case CMYK: cimage_rgb_from_cmyk(values, rgb); return;
  case INDEXED: memcpy(rgba, reader->colors[values[0]], 3); break;
  case GREY: {
    int grey = reader->bits < 8 ? values[0] * 255 / ((1 << reader->bits) - 1) : values[0];
    memset(rgba, reader->is_inverted ? 255 - grey : grey, 3);
    break;
  }
  default: memcpy(rgba, values, 3);
  }
  if (reader->alpha == NO_ALPHA) {
    memcpy(rgb, rgba, 3);
  } else {
    rgba[3] = values[reader->color_samples];
    lay_on_white(reader, rgba, rgb);
  }
}

// A row of `width` pixels. The planes are rows of samples, or one plane has all samples.
static void finish_row(const tiff_reader *reader, const uint8_t *const planes[], size_t width, uint8_t *rgb) {
  size_t used = reader->color_samples + (reader->alpha != NO_ALPHA);
  int is_planar = reader->planes == PLANARCONFIG_SEPARATE;
  for (size_t x = 0; x < width; x++, rgb += 3) {
    uint8_t values[MOST_SAMPLES];
    for (size_t s = 0; s < used; s++)
      values[s] = is_planar ? sample(reader, planes[s], x) : sample(reader, planes[0], x * reader->samples + s);
    finish_pixel(reader, values, rgb);
  }
}

// Strips and tiles: rectangles of rows.

typedef struct {
  uint32_t width, height;
  size_t row_size, size;
  int is_tile;
} piece_shape;

static cimage_status read_shape(tiff_reader *reader, piece_shape *piece) {
  const cimage_job *job = reader->job;
  tmsize_t row, size;
  piece->is_tile = TIFFIsTiled(reader->file);
  piece->width = job->width;
  piece->height = job->height;
  if (piece->is_tile) {
    TIFFGetField(reader->file, TIFFTAG_TILEWIDTH, &piece->width);
    TIFFGetField(reader->file, TIFFTAG_TILELENGTH, &piece->height);
    row = TIFFTileRowSize(reader->file);
    size = TIFFTileSize(reader->file);
  } else {
    TIFFGetFieldDefaulted(reader->file, TIFFTAG_ROWSPERSTRIP, &piece->height);
    if (piece->height > job->height) piece->height = job->height;
    row = TIFFScanlineSize(reader->file);
    size = TIFFStripSize(reader->file);
  }
  if (row <= 0 || size <= 0 || piece->width == 0 || piece->height == 0)
    return cimage_tiff_broken(reader, "it says that its strips or tiles are empty");
  size_t samples = reader->planes == PLANARCONFIG_SEPARATE ? 1 : reader->samples;
  piece->row_size = (size_t)row;
  piece->size = (size_t)size;
  if (piece->row_size < ((size_t)piece->width * samples * reader->bits + 7) / 8 ||
      piece->size / piece->row_size < piece->height)
    return cimage_tiff_broken(reader, "it contradicts itself on the size of its strips or tiles");
  size_t plane_count = reader->planes == PLANARCONFIG_SEPARATE ? reader->samples : 1;
  if (piece->size > PIECE_LIMIT / plane_count)
    return cimage_tiff_unsupported(reader, "a strip or tile takes more than 1 GiB");
  return CIMAGE_OK;
}

static int read_piece(
    tiff_reader *reader, const piece_shape *piece, uint32_t x, uint32_t y, uint16_t plane, uint8_t *target) {
  if (piece->is_tile) return TIFFReadTile(reader->file, target, x, y, 0, plane) >= 0;
  uint32_t strip = TIFFComputeStrip(reader->file, y, plane);
  return TIFFReadEncodedStrip(reader->file, strip, target, (tmsize_t)piece->size) >= 0;
}

static void finish_piece(
    const tiff_reader *reader, const piece_shape *piece, uint32_t left, uint32_t top, const uint8_t *data) {
  const cimage_job *job = reader->job;
  uint32_t width = piece->width < job->width - left ? piece->width : job->width - left;
  uint32_t height = piece->height < job->height - top ? piece->height : job->height - top;
  for (uint32_t y = 0; y < height; y++) {
    const uint8_t *planes[MOST_SAMPLES];
    for (size_t s = 0; s < MOST_SAMPLES; s++) planes[s] = data + s * piece->size + y * piece->row_size;
    finish_row(reader, planes, width, job->rgb + ((size_t)(top + y) * job->width + left) * 3);
  }
}

static cimage_status read_pieces(tiff_reader *reader, const piece_shape *piece, uint8_t *data) {
  const cimage_job *job = reader->job;
  size_t used = reader->color_samples + (reader->alpha != NO_ALPHA);
  size_t plane_count = reader->planes == PLANARCONFIG_SEPARATE ? used : 1;
  for (size_t y = 0; y < job->height; y += piece->height)
    for (size_t x = 0; x < job->width; x += piece->width) {
      for (size_t plane = 0; plane < plane_count; plane++)
        if (!read_piece(reader, piece, (uint32_t)x, (uint32_t)y, (uint16_t)plane, data + plane * piece->size))
          return cimage_tiff_broken(reader, "it ends early");
      finish_piece(reader, piece, (uint32_t)x, (uint32_t)y, data);
    }
  return CIMAGE_OK;
}

// libtiff guesses where strips are that the directory does not name.
static cimage_status check_count(tiff_reader *reader, const piece_shape *piece) {
  const cimage_job *job = reader->job;
  uint64_t rows = ((uint64_t)job->height + piece->height - 1) / piece->height;
  uint64_t columns = ((uint64_t)job->width + piece->width - 1) / piece->width;
  uint64_t planes = reader->planes == PLANARCONFIG_SEPARATE ? reader->samples : 1;
  uint64_t found = cimage_tiff_value_count(reader, piece->is_tile ? TIFFTAG_TILEOFFSETS : TIFFTAG_STRIPOFFSETS);
  return found < rows * columns * planes ? cimage_tiff_broken(reader, "it ends early") : CIMAGE_OK;
}

static cimage_status read_samples(tiff_reader *reader) {
  piece_shape piece;
  cimage_status status = read_shape(reader, &piece);
  if (status == CIMAGE_OK) status = check_count(reader, &piece);
  if (status != CIMAGE_OK) return status;
  size_t plane_count = reader->planes == PLANARCONFIG_SEPARATE ? reader->samples : 1;
  uint8_t *data = calloc(plane_count, piece.size);
  if (!data) return cimage_fail(reader->job, CIMAGE_NO_MEMORY, "no memory");
  status = read_pieces(reader, &piece, data);
  free(data);
  return status;
}

// libtiff itself converts YCbCr that is not JPEG, a few rows at a time.
static cimage_status read_ycbcr(tiff_reader *reader) {
  cimage_job *job = reader->job;
  char message[1024] = "";
  TIFFRGBAImage image;
  if (!TIFFRGBAImageOK(reader->file, message) || !TIFFRGBAImageBegin(&image, reader->file, 1, message))
    return cimage_tiff_unsupported(reader, message);
  image.req_orientation = image.orientation = ORIENTATION_TOPLEFT;
  uint32_t rows = job->height;
  if (TIFFIsTiled(reader->file)) TIFFGetField(reader->file, TIFFTAG_TILELENGTH, &rows);
  else TIFFGetFieldDefaulted(reader->file, TIFFTAG_ROWSPERSTRIP, &rows);
  if (rows > job->height || rows == 0) rows = job->height;
  cimage_status status = CIMAGE_OK;
  uint32_t *pixels = calloc((size_t)rows * job->width, sizeof *pixels);
  if (!pixels) status = cimage_fail(job, CIMAGE_NO_MEMORY, "no memory");
  for (uint32_t y = 0; y < job->height && status == CIMAGE_OK; y += rows) {
    uint32_t count = rows < job->height - y ? rows : job->height - y;
    image.row_offset = (int)y;
    if (!TIFFRGBAImageGet(&image, pixels, job->width, count)) status = cimage_tiff_broken(reader, "its data is damaged");
    for (size_t i = 0; i < (size_t)count * job->width && status == CIMAGE_OK; i++) {
      uint8_t *rgb = job->rgb + ((size_t)y * job->width + i) * 3;
      rgb[0] = (uint8_t)TIFFGetR(pixels[i]);
      rgb[1] = (uint8_t)TIFFGetG(pixels[i]);
      rgb[2] = (uint8_t)TIFFGetB(pixels[i]);
    }
  }
  free(pixels);
  TIFFRGBAImageEnd(&image);
  return status;
}

cimage_status cimage_tiff_read_pixels(tiff_reader *reader) {
  return reader->color == YCBCR ? read_ycbcr(reader) : read_samples(reader);
}
