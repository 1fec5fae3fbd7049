// SPDX-License-Identifier: Apache-2.0
#include "CJSON.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#if __has_include(<json/json.h>)
#include <json/json.h>
#else
#include <jsoncpp/json/json.h>
#endif

struct cjson_document {
  std::vector<cjson_node> nodes;
  std::string message;
  cjson_error error = {nullptr, 1, 1};
};

namespace {

struct Fault {
  const char *message;
  size_t offset;
};

class Flattener {
public:
  Flattener(std::string_view text, std::vector<cjson_node> &nodes) : text(text), nodes(nodes) {}

  void add(const Json::Value &value, size_t key_start) {
    nodes.push_back({kind(value), static_cast<size_t>(value.getOffsetStart()),
                     static_cast<size_t>(value.getOffsetLimit()), value.size(), key_start});
    if (value.isArray()) {
      for (const Json::Value &element : value) add(element, 0);
    } else if (value.isObject()) {
      add_members(value);
    }
  }

private:
  static int32_t kind(const Json::Value &value) {
    switch (value.type()) {
    case Json::nullValue: return CJSON_NULL;
    case Json::booleanValue: return value.asBool() ? CJSON_TRUE : CJSON_FALSE;
    case Json::stringValue: return CJSON_STRING;
    case Json::arrayValue: return CJSON_LIST;
    case Json::objectValue: return CJSON_TABLE;
    default: return CJSON_NUMBER;
    }
  }

  // jsoncpp sorts members and forgets where keys stood: order them by offset and look between the values.
  void add_members(const Json::Value &table) {
    std::vector<const Json::Value *> values;
    for (const Json::Value &value : table) values.push_back(&value);
    std::sort(values.begin(), values.end(),
              [](auto a, auto b) { return a->getOffsetStart() < b->getOffsetStart(); });
    size_t at = static_cast<size_t>(table.getOffsetStart()) + 1;
    for (const Json::Value *value : values) {
      at = find("\"", at);
      add(*value, at);
      at = static_cast<size_t>(value->getOffsetLimit());
    }
    // jsoncpp takes this after an empty key.
    at = find(",}", at);
    if (at < text.size() && text[at] == ',') throw Fault{"a comma after the last entry", at};
  }

  // The first of these at or after `at` that stands in no comment.
  size_t find(const char *wanted, size_t at) const {
    for (; at < text.size() && !std::strchr(wanted, text[at]); at++) {
      if (text[at] != '/') continue;
      bool is_line = text.substr(at, 2) == "//";
      at = is_line ? text.find_first_of("\r\n", at) : text.find("*/", at + 2) + 1;
    }
    return at;
  }

  std::string_view text;
  std::vector<cjson_node> &nodes;
};

// The first of jsoncpp's errors, which it hands over as text: "* Line 1, Column 2\n  Message\n…".
void take_error(cjson_document &document, const std::string &errors) {
  std::sscanf(errors.c_str(), "* Line %zu, Column %zu", &document.error.line, &document.error.column);
  size_t start = errors.find("\n  ");
  start = start == std::string::npos ? 0 : start + 3;
  document.message = errors.substr(start, errors.find('\n', start) - start);
}

void parse(cjson_document &document, std::string_view text) {
  Json::CharReaderBuilder builder;
  Json::CharReaderBuilder::strictMode(&builder.settings_);
  builder["allowComments"] = true;
  builder["collectComments"] = false;
  builder["allowTrailingCommas"] = false;
  builder["skipBom"] = false;
  std::unique_ptr<Json::CharReader> reader(builder.newCharReader());
  Json::Value root;
  std::string errors;
  if (reader->parse(text.data(), text.data() + text.size(), &root, &errors)) Flattener(text, document.nodes).add(root, 0);
  else take_error(document, errors);
}

} // namespace

cjson_document *cjson_parse(const char *bytes, size_t length) {
  try {
    auto document = std::make_unique<cjson_document>();
    try {
      parse(*document, {bytes, length});
    } catch (const std::bad_alloc &) {
      return nullptr;
    } catch (const Fault &fault) {
      document->nodes.clear();
      document->message = fault.message;
      document->error = {nullptr, 0, fault.offset + 1};
    } catch (const std::exception &exception) {
      document->message = exception.what();
    }
    if (document->nodes.empty()) document->error.message = document->message.c_str();
    return document.release();
  } catch (...) {
    return nullptr;
  }
}

const cjson_error *cjson_fault(const cjson_document *document) {
  return document->error.message ? &document->error : nullptr;
}

const cjson_node *cjson_nodes(const cjson_document *document, size_t *count) {
  *count = document->nodes.size();
  return document->nodes.empty() ? nullptr : document->nodes.data();
}

void cjson_free(cjson_document *document) { delete document; }
