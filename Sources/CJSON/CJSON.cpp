// SPDX-License-Identifier: Apache-2.0
#include "CJSON.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#if __has_include(<json/json.h>)
#include <json/json.h>
#else
#include <jsoncpp/json/json.h>
#endif

struct cjson_document {
  // Owns the strings that the nodes point to.
  Json::Value root;
  std::vector<cjson_node> nodes;
  std::string error;
  size_t error_offset = 0;
};

namespace {

struct Fault {
  std::string message;
  size_t offset;
};

struct Source {
  const char *bytes;
  size_t length;

  // The first byte at or after `at` that is neither space nor comment.
  size_t skip_space(size_t at) const {
    while (at < length) {
      char c = bytes[at];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        at++;
      } else if (c == '/' && at + 1 < length && bytes[at + 1] == '/') {
        while (at < length && bytes[at] != '\n' && bytes[at] != '\r') at++;
      } else if (c == '/' && at + 1 < length && bytes[at + 1] == '*') {
        size_t start = at;
        for (at += 2; at + 1 < length && !(bytes[at] == '*' && bytes[at + 1] == '/');) at++;
        if (at + 1 >= length) throw Fault{"a comment without end", start};
        at += 2;
      } else {
        break;
      }
    }
    return at;
  }

  // The byte after a string that starts at `at`.
  size_t skip_string(size_t at) const {
    size_t start = at++;
    for (; at < length; at++) {
      unsigned char c = static_cast<unsigned char>(bytes[at]);
      if (c == '"') return at + 1;
      if (c < 0x20) throw Fault{"a control character in a string; write it as an escape such as \\n", at};
      if (c == '\\') at++;
    }
    throw Fault{"a string without closing quote", start};
  }

  // What jsoncpp would let pass, or would meet by exhausting the stack.
  void check_tokens(size_t depth_limit) const {
    size_t depth = 0;
    for (size_t at = skip_space(0); at < length; at = skip_space(at)) {
      switch (bytes[at]) {
      case '"': at = skip_string(at); continue;
      case '[':
      case '{':
        if (++depth > depth_limit)
          throw Fault{"nested deeper than " + std::to_string(depth_limit) + " levels", at};
        break;
      case ']':
      case '}':
        if (depth > 0) depth--;
        break;
      case 0: throw Fault{"a NUL byte; this is no text file", at};
      default: break;
      }
      at++;
    }
  }

  // Whether the bytes are a number by RFC 8259.
  bool is_number(size_t at, size_t limit) const {
    auto digits = [&] {
      size_t first = at;
      while (at < limit && isdigit(static_cast<unsigned char>(bytes[at]))) at++;
      return at - first;
    };
    if (at < limit && bytes[at] == '-') at++;
    bool zero = at < limit && bytes[at] == '0';
    size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (at < limit && bytes[at] == '.') {
      at++;
      if (digits() == 0) return false;
    }
    if (at < limit && (bytes[at] == 'e' || bytes[at] == 'E')) {
      at++;
      if (at < limit && (bytes[at] == '+' || bytes[at] == '-')) at++;
      if (digits() == 0) return false;
    }
    return at == limit;
  }

  // The byte that jsoncpp calls "Line l, Column c".
  size_t offset(size_t line, size_t column) const {
    size_t at = 0;
    for (size_t current = 1; current < line && at < length; current++) {
      while (at < length && bytes[at] != '\n' && bytes[at] != '\r') at++;
      if (at + 1 < length && bytes[at] == '\r' && bytes[at + 1] == '\n') at++;
      if (at < length) at++;
    }
    return std::min(length, at + column - 1);
  }

  // The first of jsoncpp's errors, which it hands over as text: "* Line 1, Column 2\n  Message\n…".
  Fault first_error(const std::string &errors) const {
    size_t line = 1, column = 1;
    std::sscanf(errors.c_str(), "* Line %zu, Column %zu", &line, &column);
    size_t start = errors.find("\n  ");
    start = start == std::string::npos ? 0 : start + 3;
    std::string message = errors.substr(start, errors.find('\n', start) - start);
    while (!message.empty() && message.back() == '.') message.pop_back();
    if (message.empty()) message = "not a JSON document";
    return Fault{message, offset(line, column)};
  }
};

struct Child {
  const Json::Value *value;
  const char *key;
  size_t key_length;
};

class Flattener {
public:
  Flattener(const Source &source, std::vector<cjson_node> &nodes) : source(source), nodes(nodes) {}

  void add(const Json::Value &value, const char *key, size_t key_length, size_t key_start) {
    cjson_node node = {};
    node.start = static_cast<size_t>(value.getOffsetStart());
    node.limit = static_cast<size_t>(value.getOffsetLimit());
    node.key = key;
    node.key_length = key_length;
    node.key_start = key_start;
    const char *begin = nullptr, *end = nullptr;
    switch (value.type()) {
    case Json::nullValue: node.kind = CJSON_NULL; break;
    case Json::booleanValue: node.kind = value.asBool() ? CJSON_TRUE : CJSON_FALSE; break;
    case Json::intValue:
    case Json::uintValue:
    case Json::realValue:
      node.kind = CJSON_NUMBER;
      if (!source.is_number(node.start, node.limit))
        throw Fault{"a number is written as in 12, -0.5 or 1e-6", node.start};
      break;
    case Json::stringValue:
      node.kind = CJSON_STRING;
      value.getString(&begin, &end);
      node.text = begin;
      node.text_length = static_cast<size_t>(end - begin);
      break;
    case Json::arrayValue: node.kind = CJSON_LIST; break;
    case Json::objectValue: node.kind = CJSON_TABLE; break;
    }
    node.child_count = value.size();
    if (node.kind < CJSON_LIST) node.child_count = 0;
    nodes.push_back(node);
    if (node.kind == CJSON_LIST) {
      for (const Json::Value &element : value) add(element, nullptr, 0, 0);
    } else if (node.kind == CJSON_TABLE) {
      add_members(value);
    }
  }

private:
  // jsoncpp sorts members and forgets where keys stood: order them by offset and look between the values.
  void add_members(const Json::Value &table) {
    std::vector<Child> children;
    for (auto member = table.begin(); member != table.end(); ++member) {
      const char *end = nullptr;
      const char *key = member.memberName(&end);
      children.push_back({&*member, key, static_cast<size_t>(end - key)});
    }
    std::sort(children.begin(), children.end(), [](const Child &a, const Child &b) {
      return a.value->getOffsetStart() < b.value->getOffsetStart();
    });
    size_t at = static_cast<size_t>(table.getOffsetStart()) + 1;
    for (const Child &child : children) {
      at = source.skip_space(at);
      if (at < source.length && source.bytes[at] == ',') at = source.skip_space(at + 1);
      add(*child.value, child.key, child.key_length, at);
      at = static_cast<size_t>(child.value->getOffsetLimit());
    }
    at = source.skip_space(at);
    if (at < source.length && source.bytes[at] == ',') throw Fault{"a comma after the last entry", at};
  }

  const Source &source;
  std::vector<cjson_node> &nodes;
};

void parse(cjson_document &document, const Source &source, size_t depth_limit) {
  source.check_tokens(depth_limit);
  Json::CharReaderBuilder builder;
  Json::CharReaderBuilder::strictMode(&builder.settings_);
  builder["allowComments"] = true;
  builder["collectComments"] = false;
  builder["allowTrailingCommas"] = false;
  builder["skipBom"] = false;
  builder["stackLimit"] = static_cast<Json::UInt64>(depth_limit + 8);
  std::unique_ptr<Json::CharReader> reader(builder.newCharReader());
  std::string errors;
  if (!reader->parse(source.bytes, source.bytes + source.length, &document.root, &errors))
    throw source.first_error(errors);
  Flattener(source, document.nodes).add(document.root, nullptr, 0, 0);
}

} // namespace

cjson_document *cjson_parse(const char *bytes, size_t length, size_t depth_limit) {
  std::unique_ptr<cjson_document> document;
  try {
    document = std::make_unique<cjson_document>();
    try {
      parse(*document, Source{bytes, length}, depth_limit);
    } catch (const Fault &fault) {
      document->error = fault.message;
      document->error_offset = fault.offset;
    } catch (const std::bad_alloc &) {
      return nullptr;
    } catch (const std::exception &exception) {
      document->error = std::string("cannot be read: ") + exception.what();
    }
    if (!document->error.empty()) document->nodes.clear();
    return document.release();
  } catch (...) {
    return nullptr;
  }
}

const char *cjson_error(const cjson_document *document, size_t *offset) {
  *offset = document->error_offset;
  return document->error.empty() ? nullptr : document->error.c_str();
}

const cjson_node *cjson_nodes(const cjson_document *document, size_t *count) {
  *count = document->nodes.size();
  return document->nodes.empty() ? nullptr : document->nodes.data();
}

void cjson_free(cjson_document *document) { delete document; }
