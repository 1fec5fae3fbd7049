// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct {
  // First, so that libjpeg's pointer to it is a pointer to the writer.
  struct jpeg_error_mgr errors;
  struct jpeg_compress_struct jpeg;
  jmp_buf jump;
  char *message;
  unsigned char *bytes;
  unsigned long length;
} jpeg_writer;

static void on_error(j_common_ptr jpeg) {
  jpeg_writer *writer = jpeg->client_data;
  char message[JMSG_LENGTH_MAX];
  writer->errors.format_message(jpeg, message);
  snprintf(writer->message, CIMAGE_MESSAGE_CAPACITY, "%s", message);
  longjmp(writer->jump, 1);
}

static void on_message(j_common_ptr jpeg, int level) {
  (void)jpeg;
  (void)level;
}

cimage_status cimage_encode_jpeg(
    const uint8_t *rgb, uint32_t width, uint32_t height, int32_t quality, uint8_t **bytes, size_t *length,
    char message[CIMAGE_MESSAGE_CAPACITY]) {
  jpeg_writer *writer = calloc(1, sizeof *writer);
  if (!writer) {
    snprintf(message, CIMAGE_MESSAGE_CAPACITY, "no memory");
    return CIMAGE_NO_MEMORY;
  }
  cimage_status status = CIMAGE_OK;
  writer->message = message;
  writer->jpeg.err = jpeg_std_error(&writer->errors);
  writer->errors.error_exit = on_error;
  writer->errors.emit_message = on_message;
  if (setjmp(writer->jump)) {
    status = CIMAGE_UNSUPPORTED;
  } else {
    jpeg_create_compress(&writer->jpeg);
    writer->jpeg.client_data = writer;
    jpeg_mem_dest(&writer->jpeg, &writer->bytes, &writer->length);
    writer->jpeg.image_width = width;
    writer->jpeg.image_height = height;
    writer->jpeg.input_components = 3;
    writer->jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&writer->jpeg);
    jpeg_set_quality(&writer->jpeg, quality, TRUE);
    jpeg_start_compress(&writer->jpeg, TRUE);
    while (writer->jpeg.next_scanline < height) {
      JSAMPROW row = (JSAMPROW)(rgb + (size_t)writer->jpeg.next_scanline * width * 3);
      jpeg_write_scanlines(&writer->jpeg, &row, 1);
    }
    jpeg_finish_compress(&writer->jpeg);
  }
  jpeg_destroy_compress(&writer->jpeg);
  if (status == CIMAGE_OK) {
    *bytes = writer->bytes;
    *length = writer->length;
  } else {
    free(writer->bytes);
  }
  free(writer);
  return status;
}
