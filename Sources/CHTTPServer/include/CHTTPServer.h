// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdint.h>

// A server of files on the loopback interface, by GNU libmicrohttpd: its start takes a list of arguments of any length, which
// Swift cannot pass.

#ifdef __cplusplus
extern "C" {
#endif

// What to answer: an HTTP status, and for 200 an open file that the server closes, its size and its media type.
typedef struct {
  int32_t status;
  int32_t file;
  uint64_t size;
  const char *type;
} chttp_answer;

// Is called on the server's thread with the method, the path and the Host header, which may be NULL.
typedef chttp_answer (*chttp_handler)(void *context, const char *method, const char *path, const char *host);

typedef struct chttp_server chttp_server;

// Listens on 127.0.0.1, at a port or with 0 at any that is free; NULL where that cannot be, with `errno` set.
chttp_server *chttp_start(uint16_t port, chttp_handler handler, void *context, uint16_t *bound_port);

// Closes all connections and waits for the server's thread.
void chttp_stop(chttp_server *server);

#ifdef __cplusplus
}
#endif
