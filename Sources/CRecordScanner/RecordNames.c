// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "RecordInternal.h"

// A hash table with open addressing, at most a quarter full, so that nearly every key is settled by one
// comparison and nearly every unknown key by none.

#define RECORD_MAXIMUM_NAME 1024

/// A key in brief: equal keys have equal briefs, and up to 16 bytes the brief is the whole key.
typedef struct {
  uint64_t first, last;
  size_t length;
} brief;

typedef struct {
  brief key;
  uint32_t start;  // in `text`
  int16_t index;   // -1: free
} name_slot;

struct record_names {
  size_t mask, longest;
  name_slot *slots;
  uint8_t *text;
};

RECORD_INLINE brief brief_of(const uint8_t *key, size_t length) {
  brief b = {0, 0, length};
  if (length >= 8) {
    memcpy(&b.first, key, 8);
    memcpy(&b.last, key + length - 8, 8);
  } else if (length >= 4) {
    uint32_t head, tail;
    memcpy(&head, key, 4);
    memcpy(&tail, key + length - 4, 4);
    b.first = head;
    b.last = tail;
  } else if (length > 0) {
    b.first = key[0];
    b.last = key[length / 2] | (uint64_t)key[length - 1] << 8;
  }
  return b;
}

RECORD_INLINE size_t hash(brief b) {
  uint64_t mixed = (b.first ^ (b.last << 27 | b.last >> 37) ^ b.length) * 0x9E3779B97F4A7C15u;
  return (size_t)((mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9u >> 32);
}

record_names *record_names_make(const char *const *names, const uint16_t *lengths, size_t count) {
  if (count > INT16_MAX) return NULL;
  size_t size = 16, total = 0;
  while (size < 4 * count) size *= 2;
  for (size_t i = 0; i < count; i++) {
    if (lengths[i] > RECORD_MAXIMUM_NAME) return NULL;
    total += lengths[i];
  }
  record_names *table = calloc(1, sizeof *table);
  if (!table) return NULL;
  table->mask = size - 1;
  table->slots = malloc(size * sizeof *table->slots);
  table->text = malloc(total + 1);
  if (!table->slots || !table->text) {
    record_names_free(table);
    return NULL;
  }
  for (size_t i = 0; i < size; i++) table->slots[i].index = -1;
  uint32_t used = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *name = (const uint8_t *)names[i];
    if (record_names_find(table, name, lengths[i]) >= 0) continue;
    brief key = brief_of(name, lengths[i]);
    size_t at = hash(key) & table->mask;
    while (table->slots[at].index >= 0) at = (at + 1) & table->mask;
    table->slots[at] = (name_slot){key, used, (int16_t)i};
    memcpy(table->text + used, name, lengths[i]);
    used += lengths[i];
    if (lengths[i] > table->longest) table->longest = lengths[i];
  }
  return table;
}

void record_names_free(record_names *names) {
  if (!names) return;
  free(names->slots);
  free(names->text);
  free(names);
}

int16_t record_names_find(const record_names *names, const uint8_t *key, size_t length) {
  brief wanted = brief_of(key, length);
  for (size_t at = hash(wanted) & names->mask;; at = (at + 1) & names->mask) {
    const name_slot *slot = &names->slots[at];
    if (slot->index < 0) return -1;
    if (slot->key.first != wanted.first || slot->key.last != wanted.last || slot->key.length != length) continue;
    if (length <= 16 || memcmp(names->text + slot->start, key, length) == 0) return slot->index;
  }
}

int16_t record_find_escaped_name(const record_names *names, const uint8_t *key, size_t length) {
  // An escape is at most six times as long as what it stands for, so a longer key cannot match.
  uint8_t plain[6 * RECORD_MAXIMUM_NAME];
  if (length > 6 * names->longest) return -1;
  return record_names_find(names, plain, record_unescape(key, length, plain));
}
