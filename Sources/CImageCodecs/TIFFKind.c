// SPDX-License-Identifier: Apache-2.0
#include "TIFFInternal.h"

// What the samples mean. The combinations are those of Pillow's table.

static cimage_status choose_alpha(tiff_reader *reader) {
  uint16_t count = 0, *kinds = NULL;
  size_t extra = reader->samples - reader->color_samples;
  reader->alpha = NO_ALPHA;
  if (extra == 0) return CIMAGE_OK;
  TIFFGetField(reader->file, TIFFTAG_EXTRASAMPLES, &count, &kinds);
  // libtiff makes the tag up where it is missing, and Pillow takes a fourth sample for alpha then.
  int is_stated = cimage_tiff_value_count(reader, TIFFTAG_EXTRASAMPLES) > 0;
  if (!is_stated) {
    if (reader->color != RGB || extra != 1 || reader->planes != PLANARCONFIG_CONTIG)
      return cimage_tiff_unsupported(reader, "it does not say what its further samples are");
    reader->alpha = ALPHA;
    return CIMAGE_OK;
  }
  if (count != extra || !kinds) return cimage_tiff_unsupported(reader, "it does not say what its further samples are");
  for (uint16_t i = 1; i < count; i++)
    if (kinds[i] != EXTRASAMPLE_UNSPECIFIED)
      return cimage_tiff_unsupported(reader, "it has several kinds of further samples");
  if (kinds[0] == EXTRASAMPLE_UNASSALPHA) reader->alpha = ALPHA;
  if (kinds[0] == EXTRASAMPLE_ASSOCALPHA) reader->alpha = PREMULTIPLIED_ALPHA;
  if (reader->color == CMYK && reader->alpha != NO_ALPHA)
    return cimage_tiff_unsupported(reader, "it is CMYK with alpha");
  if (reader->color_samples == 1 && (extra > 1 || reader->alpha == PREMULTIPLIED_ALPHA))
    return cimage_tiff_unsupported(reader, "its further samples are neither alpha nor without meaning");
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
    return cimage_tiff_unsupported(reader, "its samples are of an unusual kind");
  int is_narrow = reader->bits == 1 || reader->bits == 2 || reader->bits == 4;
  if (reader->bits != 8 && !(is_narrow && reader->samples == 1))
    return cimage_tiff_unsupported(reader, "its samples have an unusual number of bits");
  reader->is_inverted = reader->photometric == PHOTOMETRIC_MINISWHITE;
  if (reader->is_inverted && reader->samples != 1)
    return cimage_tiff_unsupported(reader, "it is inverted and has further samples");
  return CIMAGE_OK;
}

static cimage_status choose_indexed(tiff_reader *reader) {
  uint16_t *tables[3];
  int is_narrow = reader->bits == 1 || reader->bits == 2 || reader->bits == 4;
  if (reader->bits != 8 && !(is_narrow && reader->samples == 1))
    return cimage_tiff_unsupported(reader, "its samples have an unusual number of bits");
  if (!TIFFGetField(reader->file, TIFFTAG_COLORMAP, &tables[0], &tables[1], &tables[2]))
    return cimage_tiff_broken(reader, "it has no colour table");
  for (int i = 0; i < 1 << reader->bits; i++)
    for (int c = 0; c < 3; c++) reader->colors[i][c] = (uint8_t)(tables[c][i] >> 8);
  return CIMAGE_OK;
}

static cimage_status choose_bytes(tiff_reader *reader) {
  if (reader->bits != 8 && reader->bits != 16)
    return cimage_tiff_unsupported(reader, "its samples have neither 8 nor 16 bits");
  if (reader->bits == 16 && reader->samples > 4)
    return cimage_tiff_unsupported(reader, "it has more than four samples of 16 bits");
  return CIMAGE_OK;
}

// Chroma is thinned out, which libjpeg or libtiff undoes.
static cimage_status choose_ycbcr(tiff_reader *reader) {
  if (reader->bits != 8 || reader->samples != 3)
    return cimage_tiff_unsupported(reader, "it is YCbCr of an unusual kind");
  if (reader->compression == COMPRESSION_NONE) return cimage_tiff_unsupported(reader, "it is uncompressed YCbCr");
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
  default: return cimage_tiff_unsupported(reader, "its colours are neither grey, RGB, CMYK, YCbCr nor from a table");
  }
  reader->color_samples = reader->color <= INDEXED ? 1 : reader->color == CMYK ? 4 : 3;
  if (reader->samples < reader->color_samples || reader->samples > MOST_SAMPLES)
    return cimage_tiff_unsupported(reader, "it has an unusual number of samples a pixel");
  if (reader->color != GREY && reader->sample_format != SAMPLEFORMAT_UINT)
    return cimage_tiff_unsupported(reader, "its samples are of an unusual kind");
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
  if (reader->color <= INDEXED) return cimage_tiff_unsupported(reader, "it has alpha in a plane of its own");
  int is_raw = reader->compression == COMPRESSION_NONE;
  if (is_raw && reader->bits == 16) return cimage_tiff_unsupported(reader, "it has uncompressed planes of 16 bits");
  if (is_raw && reader->alpha == PREMULTIPLIED_ALPHA)
    return cimage_tiff_unsupported(reader, "it has uncompressed planes, of which one is premultiplied alpha");
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
    return cimage_tiff_unsupported(reader, "libtiff was built without its compression");
  default: return cimage_tiff_unsupported(reader, "its compression is unusual");
  }
}

cimage_status cimage_tiff_read_kind(tiff_reader *reader) {
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
