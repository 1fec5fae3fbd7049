// SPDX-License-Identifier: Apache-2.0
#include "RecordInternal.h"

static const struct {
  char text[9];
  uint8_t length;
  bool nonfinite;
} literals[] = {{"true", 4, false}, {"false", 5, false}, {"null", 4, false}, {"NaN", 3, true}, {"Infinity", 8, true}};

size_t record_match_literal(const uint8_t *bytes, size_t at, size_t length, bool *nonfinite) {
  for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
    size_t size = literals[i].length;
    if (bytes[at] != (uint8_t)literals[i].text[0]) continue;
    if (length - at < size || memcmp(bytes + at, literals[i].text, size) != 0) return 0;
    *nonfinite = literals[i].nonfinite;
    return size;
  }
  return 0;
}

bool record_is_cut_literal(const uint8_t *bytes, size_t at, size_t length) {
  for (size_t i = 0; i < sizeof literals / sizeof *literals; i++)
    if (length - at < literals[i].length && memcmp(bytes + at, literals[i].text, length - at) == 0) return true;
  return false;
}

/// 1 + the type of a value by its first byte, where that settles it; 0 for digits.
static const uint8_t types[256] = {
  ['{'] = RECORD_OBJECT + 1, ['['] = RECORD_ARRAY + 1, ['"'] = RECORD_STRING + 1, ['t'] = RECORD_TRUE + 1,
  ['f'] = RECORD_FALSE + 1,  ['n'] = RECORD_NULL + 1,  ['N'] = RECORD_NONFINITE + 1, ['I'] = RECORD_NONFINITE + 1};

static uint8_t type_of(const uint8_t *value) {
  uint8_t type = types[value[0]];
  if (type > 0) return type - 1;
  return value[0] == '-' && value[1] == 'I' ? RECORD_NONFINITE : RECORD_NUMBER;
}

void record_begin_member(record_list *list, size_t colon, size_t last_backslash) {
  const uint8_t *bytes = list->bytes;
  size_t key_open = list->separator, key_end = colon - 1, value = colon + 1;
  while (bytes[key_open] != '"') key_open++;
  while (bytes[key_end] != '"') key_end--;
  while (value < list->length && record_is_space(bytes[value])) value++;
  size_t key = key_open + 1, length = key_end - key;
  bool escaped = last_backslash > key;
  // Straight to where it belongs: copying a member just written would wait for the writes.
  record_member *member = list->count < list->capacity ? &list->members[list->count] : &list->spare;
  member->key_start = (uint32_t)key;
  member->key_end = (uint32_t)key_end;
  member->value_start = (uint32_t)value;
  member->flags = escaped ? RECORD_KEY_ESCAPED : 0;
  if (!list->names) member->name = -1;
  else if (escaped) member->name = record_find_escaped_name(list->names, bytes + key, length);
  else member->name = record_names_find(list->names, bytes + key, length);
  list->open = member;
}

void record_end_member(record_list *list, size_t end, size_t last_backslash, size_t last_nonfinite) {
  record_member *member = list->open;
  size_t start = member->value_start;
  list->separator = end + 1;
  while (record_is_space(list->bytes[end - 1])) end--;
  member->value_end = (uint32_t)end;
  member->type = type_of(list->bytes + start);
  if (member->type == RECORD_STRING && last_backslash > start) member->flags |= RECORD_VALUE_ESCAPED;
  if (last_nonfinite > start) member->flags |= RECORD_VALUE_NONFINITE;
  list->count++;
  list->open = NULL;
}
