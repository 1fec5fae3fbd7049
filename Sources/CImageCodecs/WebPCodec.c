// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

static cimage_status read_header(cimage_job *job) {
  WebPBitstreamFeatures features;
  switch (WebPGetFeatures(job->bytes, job->length, &features)) {
  case VP8_STATUS_OK: break;
  case VP8_STATUS_NOT_ENOUGH_DATA: return cimage_fail(job, CIMAGE_BROKEN, "it ends early");
  case VP8_STATUS_UNSUPPORTED_FEATURE: return cimage_fail(job, CIMAGE_UNSUPPORTED, "libwebp does not know its kind");
  default: return cimage_fail(job, CIMAGE_BROKEN, "its header is damaged");
  }
  job->width = (uint32_t)features.width;
  job->height = (uint32_t)features.height;
  return CIMAGE_OK;
}

static int32_t chunk_orientation(
    const WebPDemuxer *demuxer, const char *name, int32_t (*orientation)(const uint8_t *, size_t)) {
  WebPChunkIterator chunk;
  int32_t found = 0;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk)) found = orientation(chunk.chunk.bytes, chunk.chunk.size);
  WebPDemuxReleaseChunkIterator(&chunk);
  return found;
}

// Decodes a frame with alpha onto a white canvas.
static cimage_status read_alpha(cimage_job *job, const WebPIterator *frame, uint8_t *first, size_t stride) {
  size_t width = (size_t)frame->width, height = (size_t)frame->height, size = width * height * 4;
  uint8_t *rgba = malloc(size);
  if (!rgba) return cimage_fail(job, CIMAGE_NO_MEMORY, "no memory");
  int is_sound = WebPDecodeRGBAInto(frame->fragment.bytes, frame->fragment.size, rgba, size, (int)width * 4) != NULL;
  memset(job->rgb, 255, (size_t)job->width * job->height * 3);
  for (size_t y = 0; y < height && is_sound; y++) cimage_on_white(rgba + y * width * 4, first + y * stride, width);
  free(rgba);
  return is_sound ? CIMAGE_OK : cimage_fail(job, CIMAGE_BROKEN, "its data is damaged or ends early");
}

// What the frame leaves free of the canvas is transparent, or black in an image without alpha.
static cimage_status read_frame(cimage_job *job, const WebPIterator *frame) {
  size_t stride = (size_t)job->width * 3, size = stride * job->height;
  size_t x = (size_t)frame->x_offset, y = (size_t)frame->y_offset;
  size_t width = (size_t)frame->width, height = (size_t)frame->height;
  if (x + width > job->width || y + height > job->height || width == 0 || height == 0)
    return cimage_fail(job, CIMAGE_BROKEN, "its first frame does not fit on its canvas");
  size_t offset = y * stride + x * 3;
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(job->bytes, job->length, &features) != VP8_STATUS_OK || features.has_alpha)
    return read_alpha(job, frame, job->rgb + offset, stride);
  if (!WebPDecodeRGBInto(frame->fragment.bytes, frame->fragment.size, job->rgb + offset, size - offset, (int)stride))
    return cimage_fail(job, CIMAGE_BROKEN, "its data is damaged or ends early");
  return CIMAGE_OK;
}

static cimage_status decode(cimage_job *job, const WebPDemuxer *demuxer) {
  if (WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH) != job->width ||
      WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT) != job->height)
    return cimage_fail(job, CIMAGE_BROKEN, "it contradicts itself on its size");
  WebPIterator frame;
  if (!WebPDemuxGetFrame(demuxer, 1, &frame)) return cimage_fail(job, CIMAGE_BROKEN, "it has no image in it");
  cimage_status status = read_frame(job, &frame);
  WebPDemuxReleaseIterator(&frame);
  job->orientation = cimage_orientation(
      chunk_orientation(demuxer, "EXIF", cimage_exif_orientation),
      chunk_orientation(demuxer, "XMP ", cimage_xmp_orientation));
  return status;
}

cimage_status cimage_webp(cimage_job *job) {
  if (!job->rgb) return read_header(job);
  WebPData data = {.bytes = job->bytes, .size = job->length};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (!demuxer) return cimage_fail(job, CIMAGE_BROKEN, "its data is damaged or ends early");
  cimage_status status = decode(job, demuxer);
  WebPDemuxDelete(demuxer);
  return status;
}
