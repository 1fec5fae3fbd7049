// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

// JSON documents that people write, read by jsoncpp. No C++ type and no C++ exception leaves this header.
//
// Comments are allowed. Trailing commas, duplicate keys, text after the document, numbers that RFC 8259 does
// not know, control characters in strings and NUL bytes are errors.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CJSON_NULL = 0,
  CJSON_FALSE = 1,
  CJSON_TRUE = 2,
  CJSON_NUMBER = 3,
  CJSON_STRING = 4,
  CJSON_LIST = 5,
  CJSON_TABLE = 6,
} cjson_kind;

// A value. Children follow their parent, in the order written; a child's own children come before the next.
typedef struct {
  // A cjson_kind.
  int32_t kind;
  // The value's bytes in the source; a number's text stands there.
  size_t start, limit;
  // How many elements a list has, or members a table.
  size_t child_count;
  // A table member's key, unescaped, and the source offset of its opening quote; NULL elsewhere.
  const char *key;
  size_t key_length, key_start;
  // A string, unescaped; NULL elsewhere. Not checked for lone surrogates.
  const char *text;
  size_t text_length;
} cjson_node;

typedef struct cjson_document cjson_document;

// Parses `length` bytes of UTF-8 without byte order mark, which must outlive the call only. Nesting deeper
// than `depth_limit` is an error. Returns NULL when memory is short; free the document with cjson_free.
cjson_document *cjson_parse(const char *bytes, size_t length, size_t depth_limit);

// What is wrong, or NULL when the text is a document; `offset` receives the byte at which it was noticed.
const char *cjson_error(const cjson_document *document, size_t *offset);

// The values in preorder, the root first; valid until cjson_free. NULL after an error.
const cjson_node *cjson_nodes(const cjson_document *document, size_t *count);

// Frees a document; NULL is fine.
void cjson_free(cjson_document *document);

#ifdef __cplusplus
}
#endif
