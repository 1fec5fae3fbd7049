// SPDX-License-Identifier: Apache-2.0
#include "CHTTPServer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

struct chttp_server {
  struct MHD_Daemon *daemon;
  chttp_handler handler;
  void *context;
};

static void add_headers(struct MHD_Response *response, const char *type) {
  if (type) MHD_add_response_header(response, "Content-Type", type);
  MHD_add_response_header(response, "Cache-Control", "no-store");
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
  MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
  // The page has a policy of its own; that nobody may frame it can only be said here.
  MHD_add_response_header(response, "Content-Security-Policy", "frame-ancestors 'none'");
}

static enum MHD_Result answer(
    void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **state) {
  (void)version;
  (void)upload;
  struct chttp_server *server = context;
  static int seen;
  // The first call comes with the headers alone.
  if (*state != &seen) {
    *state = &seen;
    return MHD_YES;
  }
  if (*upload_size > 0) {
    *upload_size = 0;
    return MHD_YES;
  }
  const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
  chttp_answer found = server->handler(server->context, method, url, host);
  struct MHD_Response *response = NULL;
  if (found.status == 200) {
    response = MHD_create_response_from_fd64(found.size, found.file);
    if (!response) {
      close(found.file);
      return MHD_NO;
    }
    add_headers(response, found.type);
  } else {
    static const char text[] = "There is nothing here.\n";
    response = MHD_create_response_from_buffer(sizeof text - 1, (void *)text, MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    add_headers(response, "text/plain; charset=utf-8");
  }
  enum MHD_Result result = MHD_queue_response(connection, (unsigned)found.status, response);
  MHD_destroy_response(response);
  return result;
}

chttp_server *chttp_start(uint16_t port, chttp_handler handler, void *context, uint16_t *bound_port) {
  struct chttp_server *server = calloc(1, sizeof *server);
  if (!server) return NULL;
  server->handler = handler;
  server->context = context;
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  errno = 0;
  server->daemon = MHD_start_daemon(
      MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, port, NULL, NULL, answer, server, MHD_OPTION_SOCK_ADDR,
      (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
  if (!server->daemon) {
    free(server);
    return NULL;
  }
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
  *bound_port = info ? info->port : port;
  return server;
}

void chttp_stop(chttp_server *server) {
  MHD_stop_daemon(server->daemon);
  free(server);
}
