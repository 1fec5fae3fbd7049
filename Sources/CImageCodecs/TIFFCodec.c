// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

#if TIFFLIB_VERSION < 20221213
#error "libtiff 4.5 or newer is needed: older ones report errors only for the whole process"
#endif

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

// libtiff's doors to the file.

static tmsize_t on_read(thandle_t handle, void *data, tmsize_t count) {
  tiff_reader *reader = handle;
  size_t left = reader->offset < reader->job->length ? reader->job->length - reader->offset : 0;
  size_t got = (size_t)count < left ? (size_t)count : left;
  memcpy(data, reader->job->bytes + reader->job->length - left, got);
  reader->offset += got;
  return (tmsize_t)got;
}

static tmsize_t on_write(thandle_t handle, void *data, tmsize_t count) {
  (void)handle, (void)data, (void)count;
  return 0;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  tiff_reader *reader = handle;
  toff_t start = whence == SEEK_CUR ? reader->offset : whence == SEEK_END ? reader->job->length : 0;
  reader->offset = (size_t)(start + offset);
  return reader->offset;
}

static int on_close(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t on_size(thandle_t handle) { return ((tiff_reader *)handle)->job->length; }

static int on_error(TIFF *file, void *data, const char *module, const char *format, va_list arguments) {
  (void)file, (void)module;
  tiff_reader *reader = data;
  // The first message says what is wrong, those behind it what follows from that.
  if (!reader->has_message) vsnprintf(reader->job->message, CIMAGE_MESSAGE_CAPACITY, format, arguments);
  reader->has_message = 1;
  return 1;
}

static int on_warning(TIFF *file, void *data, const char *module, const char *format, va_list arguments) {
  (void)file, (void)data, (void)module, (void)format, (void)arguments;
  return 1;
}

static TIFF *open_file(tiff_reader *reader) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, reader);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, reader);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, PIECE_LIMIT);
  TIFF *file = TIFFClientOpenExt(
      "image", "rmc", reader, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, options);
  TIFFOpenOptionsFree(options);
  return file;
}

static cimage_status broken(tiff_reader *reader, const char *message) {
  if (reader->has_message) return CIMAGE_BROKEN;
  return cimage_fail(reader->job, CIMAGE_BROKEN, message);
}

static cimage_status unsupported(tiff_reader *reader, const char *message) {
  return cimage_fail(reader->job, CIMAGE_UNSUPPORTED, message);
}

static uint64_t number(const uint8_t *at, int width, int is_big_endian) {
  uint64_t value = 0;
  for (int i = 0; i < width; i++) value |= (uint64_t)at[i] << (8 * (is_big_endian ? width - 1 - i : i));
  return value;
}

// How many values the first directory, classic or big, has for a tag; 0 without one. libtiff does not say what it has made up.
static uint64_t value_count(const tiff_reader *reader, uint32_t tag) {
  const uint8_t *bytes = reader->job->bytes;
  size_t length = reader->job->length;
  int big_endian = TIFFIsBigEndian(reader->file), is_big = TIFFIsBigTIFF(reader->file);
  size_t count_size = is_big ? 8 : 2, entry_size = is_big ? 20 : 12;
  uint64_t at = is_big ? number(bytes + 8, 8, big_endian) : number(bytes + 4, 4, big_endian);
  if (at > length || length - at < count_size) return 0;
  uint64_t count = number(bytes + at, (int)count_size, big_endian);
  at += count_size;
  for (uint64_t i = 0; i < count && length - at >= entry_size; i++, at += entry_size)
    if (number(bytes + at, 2, big_endian) == tag) return number(bytes + at + 4, is_big ? 8 : 4, big_endian);
  return 0;
}

// What the samples mean. The combinations are those of Pillow's table.

static cimage_status choose_alpha(tiff_reader *reader) {
  uint16_t count = 0, *kinds = NULL;
  size_t extra = reader->samples - reader->color_samples;
  reader->alpha = NO_ALPHA;
  if (extra == 0) return CIMAGE_OK;
  TIFFGetField(reader->file, TIFFTAG_EXTRASAMPLES, &count, &kinds);
  // libtiff makes the tag up where it is missing, and Pillow takes a fourth sample for alpha then.
  int is_stated = value_count(reader, TIFFTAG_EXTRASAMPLES) > 0;
  if (!is_stated) {
    if (reader->color != RGB || extra != 1 || reader->planes != PLANARCONFIG_CONTIG)
      return unsupported(reader, "it does not say what its further samples are");
    reader->alpha = ALPHA;
    return CIMAGE_OK;
  }
  if (count != extra || !kinds) return unsupported(reader, "it does not say what its further samples are");
  for (uint16_t i = 1; i < count; i++)
    if (kinds[i] != EXTRASAMPLE_UNSPECIFIED) return unsupported(reader, "it has several kinds of further samples");
  if (kinds[0] == EXTRASAMPLE_UNASSALPHA) reader->alpha = ALPHA;
  if (kinds[0] == EXTRASAMPLE_ASSOCALPHA) reader->alpha = PREMULTIPLIED_ALPHA;
  if (reader->color == CMYK && reader->alpha != NO_ALPHA) return unsupported(reader, "it is CMYK with alpha");
  if (reader->color_samples == 1 && (extra > 1 || reader->alpha == PREMULTIPLIED_ALPHA))
    return unsupported(reader, "its further samples are neither alpha nor without meaning");
  return CIMAGE_OK;
}

static int is_little_endian_image(const tiff_reader *reader) { return !TIFFIsBigEndian(reader->file); }

// Grey of more than a byte: whole numbers and floats, of which what lies in 0...255 is kept.
static int is_wide_grey(const tiff_reader *reader) {
  if (reader->samples != 1) return 0;
  int is_raw = reader->compression == COMPRESSION_NONE, is_little = is_little_endian_image(reader);
  switch (reader->sample_format) {
  case SAMPLEFORMAT_UINT:
    if (reader->bits == 32) return is_little && reader->photometric == PHOTOMETRIC_MINISBLACK;
    return reader->bits == 16 && (is_little || reader->photometric == PHOTOMETRIC_MINISBLACK);
  // Pillow takes compressed ones of the other byte order for what they are not.
  case SAMPLEFORMAT_INT:
    return (reader->bits == 16 || reader->bits == 32) && reader->photometric == PHOTOMETRIC_MINISBLACK &&
           (is_little || is_raw);
  case SAMPLEFORMAT_IEEEFP: return reader->bits == 32 && (is_little || is_raw);
  default: return 0;
  }
}

static cimage_status choose_grey(tiff_reader *reader) {
  if (is_wide_grey(reader)) return CIMAGE_OK;
  int is_signed_byte = reader->sample_format == SAMPLEFORMAT_INT && reader->bits == 8 && reader->samples == 1 &&
                       reader->photometric == PHOTOMETRIC_MINISBLACK;
  if (reader->sample_format != SAMPLEFORMAT_UINT && !is_signed_byte)
    return unsupported(reader, "its samples are of an unusual kind");
  int is_narrow = reader->bits == 1 || reader->bits == 2 || reader->bits == 4;
  if (reader->bits != 8 && !(is_narrow && reader->samples == 1))
    return unsupported(reader, "its samples have an unusual number of bits");
  reader->is_inverted = reader->photometric == PHOTOMETRIC_MINISWHITE;
  if (reader->is_inverted && reader->samples != 1) return unsupported(reader, "it is inverted and has further samples");
  return CIMAGE_OK;
}

static cimage_status choose_indexed(tiff_reader *reader) {
  uint16_t *tables[3];
  int is_narrow = reader->bits == 1 || reader->bits == 2 || reader->bits == 4;
  if (reader->bits != 8 && !(is_narrow && reader->samples == 1))
    return unsupported(reader, "its samples have an unusual number of bits");
  if (!TIFFGetField(reader->file, TIFFTAG_COLORMAP, &tables[0], &tables[1], &tables[2]))
    return broken(reader, "it has no colour table");
  for (int i = 0; i < 1 << reader->bits; i++)
    for (int c = 0; c < 3; c++) reader->colors[i][c] = (uint8_t)(tables[c][i] >> 8);
  return CIMAGE_OK;
}

static cimage_status choose_bytes(tiff_reader *reader) {
  if (reader->bits != 8 && reader->bits != 16) return unsupported(reader, "its samples have neither 8 nor 16 bits");
  if (reader->bits == 16 && reader->samples > 4) return unsupported(reader, "it has more than four samples of 16 bits");
  return CIMAGE_OK;
}

// Chroma is thinned out, which libjpeg or libtiff undoes.
static cimage_status choose_ycbcr(tiff_reader *reader) {
  if (reader->bits != 8 || reader->samples != 3) return unsupported(reader, "it is YCbCr of an unusual kind");
  if (reader->compression == COMPRESSION_NONE) return unsupported(reader, "it is uncompressed YCbCr");
  if (reader->compression != COMPRESSION_JPEG || reader->planes != PLANARCONFIG_CONTIG) return CIMAGE_OK;
  TIFFSetField(reader->file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  reader->color = RGB;
  return CIMAGE_OK;
}

static cimage_status choose_kind(tiff_reader *reader) {
  switch (reader->photometric) {
  case PHOTOMETRIC_MINISWHITE:
  case PHOTOMETRIC_MINISBLACK: reader->color = GREY; break;
  case PHOTOMETRIC_PALETTE: reader->color = INDEXED; break;
  case PHOTOMETRIC_RGB: reader->color = RGB; break;
  case PHOTOMETRIC_SEPARATED: reader->color = CMYK; break;
  case PHOTOMETRIC_YCBCR: reader->color = YCBCR; break;
  default: return unsupported(reader, "its colours are neither grey, RGB, CMYK, YCbCr nor from a table");
  }
  reader->color_samples = reader->color <= INDEXED ? 1 : reader->color == CMYK ? 4 : 3;
  if (reader->samples < reader->color_samples || reader->samples > MOST_SAMPLES)
    return unsupported(reader, "it has an unusual number of samples a pixel");
  if (reader->color != GREY && reader->sample_format != SAMPLEFORMAT_UINT)
    return unsupported(reader, "its samples are of an unusual kind");
  cimage_status status = choose_alpha(reader);
  if (status != CIMAGE_OK) return status;
  switch (reader->color) {
  case GREY: return choose_grey(reader);
  case INDEXED: return choose_indexed(reader);
  case YCBCR: return choose_ycbcr(reader);
  default: return choose_bytes(reader);
  }
}

// Planes that Pillow reads, and reads as they are meant.
static cimage_status check_planes(tiff_reader *reader) {
  if (reader->planes == PLANARCONFIG_CONTIG || reader->samples == 1) return CIMAGE_OK;
  if (reader->color <= INDEXED) return unsupported(reader, "it has alpha in a plane of its own");
  int is_raw = reader->compression == COMPRESSION_NONE;
  if (is_raw && reader->bits == 16) return unsupported(reader, "it has uncompressed planes of 16 bits");
  if (is_raw && reader->alpha == PREMULTIPLIED_ALPHA)
    return unsupported(reader, "it has uncompressed planes, of which one is premultiplied alpha");
  return CIMAGE_OK;
}

static cimage_status check_compression(tiff_reader *reader) {
  switch (reader->compression) {
  case COMPRESSION_NONE:
  case COMPRESSION_CCITTRLE:
  case COMPRESSION_CCITTFAX3:
  case COMPRESSION_CCITTFAX4:
  case COMPRESSION_LZW:
  case COMPRESSION_JPEG:
  case COMPRESSION_ADOBE_DEFLATE:
  case COMPRESSION_DEFLATE:
  case COMPRESSION_PACKBITS:
  case COMPRESSION_LZMA:
  case COMPRESSION_ZSTD:
    if (TIFFIsCODECConfigured(reader->compression)) return CIMAGE_OK;
    return unsupported(reader, "libtiff was built without its compression");
  default: return unsupported(reader, "its compression is unusual");
  }
}

static cimage_status read_kind(tiff_reader *reader) {
  TIFF *file = reader->file;
  TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &reader->bits);
  TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &reader->samples);
  TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &reader->sample_format);
  TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &reader->planes);
  TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &reader->compression);
  if (!TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &reader->photometric)) reader->photometric = PHOTOMETRIC_MINISWHITE;
  cimage_status status = check_compression(reader);
  if (status == CIMAGE_OK) status = choose_kind(reader);
  return status == CIMAGE_OK ? check_planes(reader) : status;
}

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
    return broken(reader, "it says that its strips or tiles are empty");
  size_t samples = reader->planes == PLANARCONFIG_SEPARATE ? 1 : reader->samples;
  piece->row_size = (size_t)row;
  piece->size = (size_t)size;
  if (piece->row_size < ((size_t)piece->width * samples * reader->bits + 7) / 8 ||
      piece->size / piece->row_size < piece->height)
    return broken(reader, "it contradicts itself on the size of its strips or tiles");
  size_t plane_count = reader->planes == PLANARCONFIG_SEPARATE ? reader->samples : 1;
  if (piece->size > PIECE_LIMIT / plane_count) return unsupported(reader, "a strip or tile takes more than 1 GiB");
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
          return broken(reader, "it ends early");
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
  uint64_t found = value_count(reader, piece->is_tile ? TIFFTAG_TILEOFFSETS : TIFFTAG_STRIPOFFSETS);
  return found < rows * columns * planes ? broken(reader, "it ends early") : CIMAGE_OK;
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
    return unsupported(reader, message);
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
    if (!TIFFRGBAImageGet(&image, pixels, job->width, count)) status = broken(reader, "its data is damaged");
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

static void read_orientation(tiff_reader *reader) {
  cimage_job *job = reader->job;
  uint16_t exif = 0;
  uint32_t length = 0;
  void *packet = NULL;
  int32_t xmp = 0;
  if (value_count(reader, TIFFTAG_ORIENTATION) > 0) TIFFGetField(reader->file, TIFFTAG_ORIENTATION, &exif);
  if (TIFFGetField(reader->file, TIFFTAG_XMLPACKET, &length, &packet) && packet)
    xmp = cimage_xmp_orientation(packet, length);
  job->orientation = cimage_orientation(exif, xmp);
}

static cimage_status read(tiff_reader *reader) {
  cimage_job *job = reader->job;
  uint32_t width = 0, height = 0;
  TIFFGetField(reader->file, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(reader->file, TIFFTAG_IMAGELENGTH, &height);
  if (!job->rgb) {
    job->width = width;
    job->height = height;
    return CIMAGE_OK;
  }
  if (width != job->width || height != job->height) return broken(reader, "it contradicts itself on its size");
  cimage_status status = read_kind(reader);
  if (status != CIMAGE_OK) return status;
  read_orientation(reader);
  return reader->color == YCBCR ? read_ycbcr(reader) : read_samples(reader);
}

cimage_status cimage_tiff(cimage_job *job) {
  tiff_reader reader = {.job = job};
  reader.file = open_file(&reader);
  if (!reader.file) return broken(&reader, "it has no directory of its images");
  cimage_status status = read(&reader);
  TIFFClose(reader.file);
  return status;
}
