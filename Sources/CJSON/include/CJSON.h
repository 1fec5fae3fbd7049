// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

// The structure of JSON documents that people write, read by jsoncpp. No C++ type and no C++ exception leaves this header.
//
// jsoncpp does here what it is best at: it takes comments, refuses what strict JSON does not have, names duplicate keys,
// and knows where each value stands. It does not decide what a number or a string is: it lets pass numbers that RFC 8259
// does not know, raw control characters and lone surrogates, and turns numbers into binary ones. So a node says where its
// value stands and nothing about it; the caller reads numbers, strings and keys from the text, by the rules that records
// are read by (CRecordScanner). Machines' JSON, such as records, weights and messages, has no comments and is large: it is
// read without jsoncpp.

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
  // The value's bytes in the text.
  size_t start, limit;
  // How many elements a list has, or members a table.
  size_t child_count;
  // The opening quote of a table member's key; 0 elsewhere.
  size_t key_start;
} cjson_node;

// Why a text is no document.
typedef struct {
  // A sentence, mostly jsoncpp's.
  const char *message;
  // Where that was noticed, both from 1; columns count bytes. In line 0 the column counts from the start of the text.
  size_t line, column;
} cjson_error;

typedef struct cjson_document cjson_document;

// Parses `length` bytes of UTF-8 without byte order mark and NUL. Returns NULL when memory is short; free the document
// with cjson_free.
cjson_document *cjson_parse(const char *bytes, size_t length);

// What is wrong, or NULL when the text is a document; valid until cjson_free.
const cjson_error *cjson_fault(const cjson_document *document);

// The values in preorder, the root first; valid until cjson_free. NULL after an error.
const cjson_node *cjson_nodes(const cjson_document *document, size_t *count);

// Frees a document; NULL is fine.
void cjson_free(cjson_document *document);

#ifdef __cplusplus
}
#endif
