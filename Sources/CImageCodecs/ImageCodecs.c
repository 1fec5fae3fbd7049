// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <stdio.h>
#include <string.h>

cimage_status cimage_fail(cimage_job *job, cimage_status status, const char *message) {
  snprintf(job->message, CIMAGE_MESSAGE_CAPACITY, "%s", message);
  return status;
}

static int holds(const cimage_job *job, size_t offset, const char *magic, size_t count) {
  return job->length >= offset + count && memcmp(job->bytes + offset, magic, count) == 0;
}

static int32_t format_of(const cimage_job *job) {
  if (holds(job, 0, "\x89PNG\r\n\x1a\n", 8)) return CIMAGE_PNG;
  if (holds(job, 0, "\xff\xd8\xff", 3)) return CIMAGE_JPEG;
  if (holds(job, 0, "RIFF", 4) && holds(job, 8, "WEBP", 4)) return CIMAGE_WEBP;
  if (holds(job, 0, "GIF87a", 6) || holds(job, 0, "GIF89a", 6)) return CIMAGE_GIF;
  if (holds(job, 0, "BM", 2)) return CIMAGE_BMP;
  if (holds(job, 0, "II*\0", 4) || holds(job, 0, "MM\0*", 4)) return CIMAGE_TIFF;
  if (holds(job, 0, "II+\0", 4) || holds(job, 0, "MM\0+", 4)) return CIMAGE_TIFF; // BigTIFF
  return 0;
}

static const char *foreign_name(const cimage_job *job) {
  if (job->length == 0) return "it is empty";
  if (holds(job, 4, "ftypavif", 8) || holds(job, 4, "ftypavis", 8)) return "it is an AVIF image";
  if (holds(job, 4, "ftyphei", 7) || holds(job, 4, "ftypmif1", 8)) return "it is a HEIF image";
  if (holds(job, 0, "\0\0\0\x0cjP  ", 8) || holds(job, 0, "\xff\x4f\xff\x51", 4)) return "it is a JPEG 2000 image";
  if (holds(job, 0, "\xff\x0a", 2) || holds(job, 4, "JXL ", 4)) return "it is a JPEG XL image";
  if (holds(job, 0, "%PDF", 4)) return "it is a PDF file";
  if (holds(job, 0, "<svg", 4) || holds(job, 0, "<?xml", 5)) return "it is an XML file, perhaps SVG";
  if (holds(job, 0, "<!DOCTYPE", 9) || holds(job, 0, "<html", 5)) return "it is an HTML page";
  if (holds(job, 0, "version https://git-lfs", 23)) return "it is a Git LFS pointer, not the image";
  return "its first bytes are those of no known image";
}

static cimage_status run(cimage_job *job, int32_t format) {
  switch (format) {
  case CIMAGE_PNG: return cimage_png(job);
  case CIMAGE_JPEG: return cimage_jpeg(job);
  case CIMAGE_WEBP: return cimage_webp(job);
  case CIMAGE_GIF: return cimage_gif(job);
  case CIMAGE_BMP: return cimage_bmp(job);
  case CIMAGE_TIFF: return cimage_tiff(job);
  default: return cimage_fail(job, CIMAGE_FOREIGN, foreign_name(job));
  }
}

cimage_status cimage_read_header(
    const uint8_t *bytes, size_t length, cimage_header *header, char message[CIMAGE_MESSAGE_CAPACITY]) {
  cimage_job job = {.bytes = bytes, .length = length, .message = message};
  header->format = format_of(&job);
  cimage_status status = run(&job, header->format);
  header->width = job.width;
  header->height = job.height;
  if (status == CIMAGE_OK && (job.width == 0 || job.height == 0))
    return cimage_fail(&job, CIMAGE_BROKEN, "it says that it has no pixels");
  return status;
}

cimage_status cimage_decode(
    const uint8_t *bytes, size_t length, const cimage_header *header, uint8_t *rgb, int32_t *orientation,
    char message[CIMAGE_MESSAGE_CAPACITY]) {
  cimage_job job = {
      .bytes = bytes, .length = length, .width = header->width, .height = header->height, .rgb = rgb,
      .orientation = 1, .message = message};
  cimage_status status = run(&job, header->format);
  *orientation = job.orientation;
  return status;
}
