// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

// A progressive file has about ten scans. Thousands of them are a way to waste time.
enum { SCAN_LIMIT = 500 };

typedef struct {
  // First, so that libjpeg's pointers to them are pointers to the reader.
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  struct jpeg_decompress_struct jpeg;
  jmp_buf jump;
  cimage_job *job;
  cimage_status status;
} jpeg_reader;

static _Noreturn void give_up(jpeg_reader *reader, cimage_status status, const char *message) {
  reader->status = cimage_fail(reader->job, status, message);
  longjmp(reader->jump, 1);
}

static void on_error(j_common_ptr jpeg) {
  jpeg_reader *reader = jpeg->client_data;
  char message[JMSG_LENGTH_MAX];
  reader->errors.format_message(jpeg, message);
  switch (reader->errors.msg_code) {
  case JERR_OUT_OF_MEMORY: give_up(reader, CIMAGE_NO_MEMORY, "no memory");
  case JERR_BAD_PRECISION:
  case JERR_SOF_UNSUPPORTED:
  case JERR_CONVERSION_NOTIMPL:
  case JERR_NOT_COMPILED: give_up(reader, CIMAGE_UNSUPPORTED, message);
  default: give_up(reader, CIMAGE_BROKEN, message);
  }
}

// Damage inside the data is decoded as well as it goes; only a file that ends early is refused, as by Pillow.
static void on_message(j_common_ptr jpeg, int level) {
  jpeg_reader *reader = jpeg->client_data;
  if (level < 0 && reader->errors.msg_code == JWRN_JPEG_EOF) give_up(reader, CIMAGE_BROKEN, "it ends early");
}

static void on_output(j_common_ptr jpeg) { (void)jpeg; }

static void on_progress(j_common_ptr jpeg) {
  jpeg_reader *reader = jpeg->client_data;
  if (reader->jpeg.input_scan_number > SCAN_LIMIT)
    give_up(reader, CIMAGE_BROKEN, "it has more than 500 scans, which no program writes in earnest");
}

static void read_orientation(jpeg_reader *reader) {
  static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/";
  int32_t exif = 0, xmp = 0;
  int has_exif = 0;
  for (jpeg_saved_marker_ptr marker = reader->jpeg.marker_list; marker; marker = marker->next) {
    if (marker->marker != JPEG_APP0 + 1) continue;
    if (!has_exif && marker->data_length >= 6 && memcmp(marker->data, "Exif\0\0", 6) == 0) {
      exif = cimage_exif_orientation(marker->data, marker->data_length);
      has_exif = 1;
    } else if (marker->data_length >= sizeof xmp_name && memcmp(marker->data, xmp_name, sizeof xmp_name) == 0) {
      xmp = cimage_xmp_orientation(marker->data + sizeof xmp_name, marker->data_length - sizeof xmp_name);
    }
  }
  reader->job->orientation = cimage_orientation(exif, xmp);
}

// From CMYK as Adobe stores it, 255 for no ink.
static void rgb_from_inverted_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
  for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
    uint8_t ink[4];
    for (int c = 0; c < 4; c++) ink[c] = (uint8_t)(255 - cmyk[c]);
    cimage_rgb_from_cmyk(ink, rgb);
  }
}

static void read_pixels(jpeg_reader *reader) {
  cimage_job *job = reader->job;
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  if (jpeg->image_width != job->width || jpeg->image_height != job->height)
    give_up(reader, CIMAGE_BROKEN, "it contradicts itself on its size");
  int is_cmyk = jpeg->num_components == 4;
  jpeg->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  if (jpeg->output_components != (is_cmyk ? 4 : 3) || jpeg->output_width != job->width)
    give_up(reader, CIMAGE_UNSUPPORTED, "its colours are of an unknown kind");
  JSAMPARRAY cmyk = NULL;
  if (is_cmyk) cmyk = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, job->width * 4, 1);
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *row = job->rgb + (size_t)jpeg->output_scanline * job->width * 3;
    JSAMPROW target = is_cmyk ? cmyk[0] : row;
    if (jpeg_read_scanlines(jpeg, &target, 1) != 1) give_up(reader, CIMAGE_BROKEN, "it ends early");
    if (is_cmyk) rgb_from_inverted_cmyk(cmyk[0], row, job->width);
  }
  read_orientation(reader);
  jpeg_finish_decompress(jpeg);
}

static void read(jpeg_reader *reader) {
  cimage_job *job = reader->job;
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  if (setjmp(reader->jump)) return;
  jpeg->err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = on_error;
  reader->errors.emit_message = on_message;
  reader->errors.output_message = on_output;
  jpeg->client_data = reader;
  jpeg_create_decompress(jpeg);
  reader->progress.progress_monitor = on_progress;
  jpeg->progress = &reader->progress;
  jpeg_mem_src(jpeg, job->bytes, job->length);
  if (job->rgb) jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(jpeg, TRUE);
  int components = jpeg->num_components;
  if (components != 1 && components != 3 && components != 4)
    give_up(reader, CIMAGE_UNSUPPORTED, "it has neither 1, 3 nor 4 colour components");
  if (job->rgb) {
    read_pixels(reader);
  } else {
    job->width = jpeg->image_width;
    job->height = jpeg->image_height;
  }
}

cimage_status cimage_jpeg(cimage_job *job) {
  jpeg_reader reader;
  memset(&reader, 0, sizeof reader);
  reader.job = job;
  read(&reader);
  jpeg_destroy_decompress(&reader.jpeg);
  return reader.status;
}
