// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

// As in Pillow's `alpha_composite`, which carries seven bits more than the result has.
static uint8_t on_white(uint8_t value, uint8_t alpha) {
  uint32_t weight = (uint32_t)alpha << 7;
  uint32_t sum = value * weight + 255 * ((255 << 7) - weight) + (0x80 << 7);
  return (uint8_t)(((sum >> 8) + sum) >> 8 >> 7);
}

void cimage_on_white(const uint8_t *rgba, uint8_t *rgb, size_t count) {
  for (size_t i = 0; i < count; i++, rgba += 4, rgb += 3)
    for (int c = 0; c < 3; c++) rgb[c] = on_white(rgba[c], rgba[3]);
}

static uint8_t product_over_255(uint8_t a, uint8_t b) {
  uint32_t product = (uint32_t)a * b + 128;
  return (uint8_t)(((product >> 8) + product) >> 8);
}

void cimage_rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb) {
  uint8_t white = (uint8_t)(255 - cmyk[3]);
  for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(white - product_over_255(cmyk[c], white));
}
