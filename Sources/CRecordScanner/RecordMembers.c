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

enum record_type record_type_of(const uint8_t *value) {
  switch (value[0]) {
    case '{': return RECORD_OBJECT;
    case '[': return RECORD_ARRAY;
    case '"': return RECORD_STRING;
    case 't': return RECORD_TRUE;
    case 'f': return RECORD_FALSE;
    case 'n': return RECORD_NULL;
    case 'N':
    case 'I': return RECORD_NONFINITE;
    // A '-' is never the last byte of a valid line.
    case '-': return value[1] == 'I' ? RECORD_NONFINITE : RECORD_NUMBER;
    default: return RECORD_NUMBER;
  }
}

void record_begin_member(record_list *list, size_t colon, size_t last_backslash) {
  const uint8_t *bytes = list->bytes;
  size_t key_open = list->separator;
  while (record_is_space(bytes[key_open])) key_open++;
  size_t key_end = colon - 1, value = colon + 1;
  while (bytes[key_end] != '"') key_end--;
  while (value < list->length && record_is_space(bytes[value])) value++;
  size_t key = key_open + 1, length = key_end - key;
  record_member *member = &list->open;
  bool escaped = last_backslash > key;
  member->key_start = (uint32_t)key;
  member->key_end = (uint32_t)key_end;
  member->value_start = (uint32_t)value;
  member->flags = escaped ? RECORD_KEY_ESCAPED : 0;
  if (!list->names) member->name = -1;
  else if (escaped) member->name = record_find_escaped_name(list->names, bytes + key, length);
  else member->name = record_names_find(list->names, bytes + key, length);
  list->is_open = true;
}

void record_end_member(record_list *list, size_t end, size_t last_backslash, size_t last_nonfinite) {
  record_member *member = &list->open;
  size_t start = member->value_start;
  list->separator = end + 1;
  while (record_is_space(list->bytes[end - 1])) end--;
  member->value_end = (uint32_t)end;
  member->type = record_type_of(list->bytes + start);
  if (member->type == RECORD_STRING && last_backslash > start) member->flags |= RECORD_VALUE_ESCAPED;
  if (last_nonfinite > start) member->flags |= RECORD_VALUE_NONFINITE;
  if (list->count < list->capacity) list->members[list->count] = *member;
  list->count++;
  list->is_open = false;
}
