// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <curl/curl.h>

// Swift cannot call functions with a variable number of arguments.
static inline CURLcode curl_set_long(CURL *transfer, CURLoption option, long value) {
  return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode curl_set_size(CURL *transfer, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode curl_set_pointer(CURL *transfer, CURLoption option, const void *value) {
  return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode curl_set_receiver(CURL *transfer, CURLoption option, curl_write_callback receiver) {
  return curl_easy_setopt(transfer, option, receiver);
}
static inline long curl_status(CURL *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &status);
  return status;
}
static inline int curl_start(void) { return (int)curl_global_init(CURL_GLOBAL_DEFAULT); }
