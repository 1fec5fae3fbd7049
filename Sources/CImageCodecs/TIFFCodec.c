// SPDX-License-Identifier: Apache-2.0
#include "TIFFInternal.h"

#include <stdio.h>
#include <string.h>

#if TIFFLIB_VERSION < 20221213
#error "libtiff 4.5 or newer is needed: older ones report errors only for the whole process"
#endif

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

cimage_status cimage_tiff_broken(tiff_reader *reader, const char *message) {
  if (reader->has_message) return CIMAGE_BROKEN;
  return cimage_fail(reader->job, CIMAGE_BROKEN, message);
}

cimage_status cimage_tiff_unsupported(tiff_reader *reader, const char *message) {
  return cimage_fail(reader->job, CIMAGE_UNSUPPORTED, message);
}

static uint64_t number(const uint8_t *at, int width, int is_big_endian) {
  uint64_t value = 0;
  for (int i = 0; i < width; i++) value |= (uint64_t)at[i] << (8 * (is_big_endian ? width - 1 - i : i));
  return value;
}

uint64_t cimage_tiff_value_count(const tiff_reader *reader, uint32_t tag) {
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

static void read_orientation(tiff_reader *reader) {
  cimage_job *job = reader->job;
  uint16_t exif = 0;
  uint32_t length = 0;
  void *packet = NULL;
  int32_t xmp = 0;
  if (cimage_tiff_value_count(reader, TIFFTAG_ORIENTATION) > 0) TIFFGetField(reader->file, TIFFTAG_ORIENTATION, &exif);
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
  if (width != job->width || height != job->height) return cimage_tiff_broken(reader, "it contradicts itself on its size");
  cimage_status status = cimage_tiff_read_kind(reader);
  if (status != CIMAGE_OK) return status;
  read_orientation(reader);
  return cimage_tiff_read_pixels(reader);
}

cimage_status cimage_tiff(cimage_job *job) {
  tiff_reader reader = {.job = job};
  reader.file = open_file(&reader);
  if (!reader.file) return cimage_tiff_broken(&reader, "it has no directory of its images");
  cimage_status status = read(&reader);
  TIFFClose(reader.file);
  return status;
}
