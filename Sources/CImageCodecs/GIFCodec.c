// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

enum { GRAPHICS_CONTROL = 0xF9 };

typedef struct {
  cimage_job *job;
  size_t offset;
  // The index that is transparent, or -1.
  int transparent;
} gif_reader;

// Behind the end there is one more byte: an empty block, which ends what is open. Files that lack only it are read.
static int on_read(GifFileType *gif, GifByteType *data, int count) {
  gif_reader *reader = gif->UserData;
  size_t left = reader->job->length - reader->offset;
  if (left == 0 && count == 1) {
    *data = 0;
    return 1;
  }
  size_t got = (size_t)count < left ? (size_t)count : left;
  memcpy(data, reader->job->bytes + reader->offset, got);
  reader->offset += got;
  return (int)got;
}

static cimage_status failure(gif_reader *reader, int code) {
  switch (code) {
  case D_GIF_ERR_NOT_ENOUGH_MEM: return cimage_fail(reader->job, CIMAGE_NO_MEMORY, "no memory");
  case D_GIF_ERR_READ_FAILED:
  case D_GIF_ERR_EOF_TOO_SOON:
  case D_GIF_ERR_IMAGE_DEFECT: return cimage_fail(reader->job, CIMAGE_BROKEN, "it is damaged or ends early");
  case D_GIF_ERR_NO_IMAG_DSCR: return cimage_fail(reader->job, CIMAGE_BROKEN, "it has no image in it");
  default: return cimage_fail(reader->job, CIMAGE_BROKEN, "it is not built as a GIF is");
  }
}

// Reads one extension, whose last statement of a transparent index counts. Returns a code of giflib's, 0 for success.
static int read_extension(gif_reader *reader, GifFileType *gif) {
  int code = 0;
  GifByteType *block = NULL;
  if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return gif->Error;
  if (code == GRAPHICS_CONTROL && block && block[0] >= 4 && (block[1] & 1) != 0) reader->transparent = block[4];
  while (block)
    if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return gif->Error;
  return 0;
}

// Reads up to the first frame's pixels. Returns a code of giflib's, 0 for success.
static int find_frame(gif_reader *reader, GifFileType *gif) {
  for (;;) {
    GifRecordType kind = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &kind) == GIF_ERROR) return gif->Error;
    if (kind == TERMINATE_RECORD_TYPE) return D_GIF_ERR_NO_IMAG_DSCR;
    if (kind == IMAGE_DESC_RECORD_TYPE) return DGifGetImageDesc(gif) == GIF_ERROR ? gif->Error : 0;
    if (kind != EXTENSION_RECORD_TYPE) return D_GIF_ERR_WRONG_RECORD;
    int fault = read_extension(reader, gif);
    if (fault != 0) return fault;
  }
}

// Whether every index of a table is the grey of that number.
static int is_ramp(const ColorMapObject *map) {
  for (int i = 0; i < map->ColorCount; i++)
    if (map->Colors[i].Red != i || map->Colors[i].Green != i || map->Colors[i].Blue != i) return 0;
  return 1;
}

// The colours of all indices. What a table names none for is black. As in Pillow, the frame's own table counts if it is no
// ramp of greys, then the file's, and with neither every index is a grey.
static void read_colors(const gif_reader *reader, const GifFileType *gif, uint8_t colors[256][3]) {
  const ColorMapObject *map = gif->Image.ColorMap;
  if (!map || is_ramp(map)) map = gif->SColorMap;
  if (map && is_ramp(map)) map = NULL;
  for (int i = 0; i < 256; i++) memset(colors[i], map ? 0 : i, 3);
  for (int i = 0; map && i < map->ColorCount && i < 256; i++) {
    colors[i][0] = map->Colors[i].Red;
    colors[i][1] = map->Colors[i].Green;
    colors[i][2] = map->Colors[i].Blue;
  }
  if (reader->transparent >= 0) memset(colors[reader->transparent], 255, 3);
}

static int read_row(GifFileType *gif, uint8_t *indices, uint8_t *rgb, uint8_t colors[256][3]) {
  int width = gif->Image.Width;
  if (DGifGetLine(gif, indices, width) == GIF_ERROR) return gif->Error;
  for (int x = 0; x < width; x++) memcpy(rgb + 3 * (size_t)x, colors[indices[x]], 3);
  return 0;
}

static int read_pixels(const gif_reader *reader, GifFileType *gif, uint8_t *indices) {
  static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  cimage_job *job = reader->job;
  uint8_t colors[256][3];
  read_colors(reader, gif, colors);
  // What the frame leaves free is transparent, or has the first colour.
  const uint8_t *background = colors[reader->transparent >= 0 ? reader->transparent : 0];
  for (size_t i = 0; i < (size_t)job->width * job->height; i++) memcpy(job->rgb + 3 * i, background, 3);
  size_t stride = (size_t)job->width * 3;
  uint8_t *start = job->rgb + (size_t)gif->Image.Top * stride + (size_t)gif->Image.Left * 3;
  for (int pass = 0; pass < (gif->Image.Interlace ? 4 : 1); pass++) {
    int first = gif->Image.Interlace ? starts[pass] : 0, step = gif->Image.Interlace ? steps[pass] : 1;
    for (int y = first; y < gif->Image.Height; y += step) {
      int fault = read_row(gif, indices, start + (size_t)y * stride, colors);
      if (fault != 0) return fault;
    }
  }
  return 0;
}

static cimage_status read(gif_reader *reader, GifFileType *gif) {
  cimage_job *job = reader->job;
  int fault = find_frame(reader, gif);
  if (fault != 0) return failure(reader, fault);
  const GifImageDesc *frame = &gif->Image;
  if (frame->Width <= 0 || frame->Height <= 0)
    return cimage_fail(job, CIMAGE_BROKEN, "it says that its first frame has no pixels");
  uint32_t right = (uint32_t)frame->Left + (uint32_t)frame->Width;
  uint32_t bottom = (uint32_t)frame->Top + (uint32_t)frame->Height;
  uint32_t width = (uint32_t)gif->SWidth > right ? (uint32_t)gif->SWidth : right;
  uint32_t height = (uint32_t)gif->SHeight > bottom ? (uint32_t)gif->SHeight : bottom;
  if (!job->rgb) {
    job->width = width;
    job->height = height;
    return CIMAGE_OK;
  }
  if (width != job->width || height != job->height)
    return cimage_fail(job, CIMAGE_BROKEN, "it contradicts itself on its size");
  uint8_t *indices = malloc((size_t)frame->Width);
  if (!indices) return cimage_fail(job, CIMAGE_NO_MEMORY, "no memory");
  fault = read_pixels(reader, gif, indices);
  free(indices);
  return fault == 0 ? CIMAGE_OK : failure(reader, fault);
}

cimage_status cimage_gif(cimage_job *job) {
  gif_reader reader = {.job = job, .transparent = -1};
  int fault = 0;
  GifFileType *gif = DGifOpen(&reader, on_read, &fault);
  if (!gif) return failure(&reader, fault);
  cimage_status status = read(&reader, gif);
  DGifCloseFile(gif, &fault);
  return status;
}
