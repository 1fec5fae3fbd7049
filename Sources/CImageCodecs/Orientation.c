// SPDX-License-Identifier: Apache-2.0
#include "ImageInternal.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x0112 };

typedef struct {
  const uint8_t *bytes;
  size_t length;
  int big_endian;
} tiff;

static uint32_t number(const tiff *file, size_t at, int width) {
  uint32_t value = 0;
  for (int i = 0; i < width; i++) {
    uint32_t byte = file->bytes[at + (size_t)i];
    value |= byte << (8 * (file->big_endian ? width - 1 - i : i));
  }
  return value;
}

int32_t cimage_exif_orientation(const uint8_t *exif, size_t length) {
  for (int i = 0; i < 2 && length >= 6 && memcmp(exif, "Exif\0\0", 6) == 0; i++) {
    exif += 6;
    length -= 6;
  }
  if (length < 8) return 0;
  tiff file = {.bytes = exif, .length = length, .big_endian = exif[0] == 'M'};
  if (memcmp(exif, "II", 2) != 0 && memcmp(exif, "MM", 2) != 0) return 0;
  // Some writers swap the bytes of the magic number 42.
  if (exif[2] + exif[3] != 42 || (exif[2] != 0 && exif[3] != 0)) return 0;
  size_t at = number(&file, 4, 4);
  if (at > length - 2) return 0;
  uint32_t count = number(&file, at, 2);
  at += 2;
  int32_t orientation = 0;
  for (uint32_t i = 0; i < count && length - at >= 12; i++, at += 12) {
    if (number(&file, at, 2) != TAG_ORIENTATION || number(&file, at + 4, 4) != 1) continue;
    uint32_t type = number(&file, at + 2, 2), value;
    if (type == 3 || type == 8) value = number(&file, at + 8, 2); // a short, unsigned or signed
    else if (type == 4 || type == 9) value = number(&file, at + 8, 4); // a long
    else continue;
    // The last one counts. Zero is a value too: the tag is there.
    orientation = value >= 1 && value <= 8 ? (int32_t)value : -1;
  }
  return orientation;
}

int32_t cimage_xmp_orientation(const uint8_t *xmp, size_t length) {
  static const char name[] = "tiff:Orientation";
  const size_t size = sizeof name - 1;
  for (size_t at = 0; at + size + 2 <= length; at++) {
    const uint8_t *found = memchr(xmp + at, 't', length - at);
    if (!found) return 0;
    at = (size_t)(found - xmp);
    if (length - at < size + 2 || memcmp(found, name, size) != 0) continue;
    size_t digit = at + size;
    if (xmp[digit] == '>') digit += 1;
    else if (xmp[digit] == '=' && xmp[digit + 1] == '"') digit += 2;
    else continue;
    if (digit < length && xmp[digit] >= '0' && xmp[digit] <= '9') return xmp[digit] == '0' ? -1 : xmp[digit] - '0';
  }
  return 0;
}

int32_t cimage_orientation(int32_t exif, int32_t xmp) {
  int32_t orientation = exif != 0 ? exif : xmp;
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}
