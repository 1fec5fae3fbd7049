// SPDX-License-Identifier: Apache-2.0

// Bytes per second of record_scan at each level, of simdjson's DOM parser (as strict as we are) and of its
// on-demand parser visiting the top-level fields (which leaves the inside of values unchecked).
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "CRecordScanner.h"

namespace {

std::mt19937_64 generator(17);

uint64_t below(uint64_t bound) { return generator() % bound; }

std::string tokens(size_t count, const char *separator) {
  std::string out = "[";
  for (size_t i = 0; i < count; i++) {
    if (i) out += separator;
    out += std::to_string(below(below(4) ? 151936 : 1000));
  }
  return out + "]";
}

// As Python prints float32 log-probabilities: 17 digits, now and then an exponent or a plain 0.
std::string logprobs(size_t count, const char *separator) {
  std::string out = "[";
  char text[40];
  for (size_t i = 0; i < count; i++) {
    if (i) out += separator;
    float value = -std::exponential_distribution<float>(2.0f)(generator);
    if (below(8) == 0) value *= 1e-6f;
    if (below(20) == 0) value = 0;
    snprintf(text, sizeof text, value == 0 ? "%.1f" : "%.17g", (double)value);
    out += text;
  }
  return out + "]";
}

std::string english(size_t length) {
  static const char *words[] = {"the", "angle", "of", "triangle", "is", "therefore", "we", "compute", "x", "equals",
                                "\\\\frac{1}{2}", "so\\n", "\\\"given\\\"", "and", "sum\\n\\n", "\\\\boxed{25}", "a",
                                "solution,", "perpendicular", "which", "means", "that", "\\u00b0", "area", "=", "12"};
  std::string out;
  while (out.size() < length) {
    out += words[below(5) ? below(10) : below(sizeof words / sizeof *words)];
    out += ' ';
  }
  return out;
}

std::string chinese(size_t length) {
  std::string out;
  while (out.size() < length) {
    unsigned code = below(12) ? 0x4E00 + below(0x5000) : 0xFF0C;
    out += (char)(0xE0 | code >> 12);
    out += (char)(0x80 | (code >> 6 & 63));
    out += (char)(0x80 | (code & 63));
    if (below(40) == 0) out += "\\n";
  }
  return out;
}

std::string escaped_chinese(size_t length) {
  std::string out;
  char text[8];
  while (out.size() < length) {
    snprintf(text, sizeof text, "\\u%04x", (unsigned)(0x4E00 + below(0x5000)));
    out += text;
  }
  return out;
}

std::string head(size_t i) {
  return "{\"id\": \"geo-" + std::to_string(i) + "/3\", \"group\": \"geo-" + std::to_string(i) + "\", ";
}

const char *tail = "\"finish\": \"stop\", \"reward\": 1.0, \"rewards\": {\"accuracy\": 1, \"format\": 1}, "
                   "\"reward_status\": \"scored\", \"advantage\": 0.97}";

struct Kind {
  const char *name;
  std::string (*line)(size_t);
};

const Kind kinds[] = {
  {"numbers, 6 KB",
   [](size_t i) {
     return head(i) + "\"tokens\": " + tokens(220, ", ") + ", \"logprobs\": " + logprobs(220, ", ") + ", " + tail;
   }},
  {"numbers, compact, 6 KB",
   [](size_t i) {
     return head(i) + "\"tokens\":" + tokens(230, ",") + ",\"logprobs\":" + logprobs(230, ",") + "," + tail;
   }},
  {"token ids only, 6 KB", [](size_t i) { return head(i) + "\"tokens\": " + tokens(800, ", ") + ", " + tail; }},
  {"English, escapes, 4 KB", [](size_t i) { return head(i) + "\"response\": \"" + english(3800) + "\", " + tail; }},
  {"Chinese UTF-8, 4 KB", [](size_t i) { return head(i) + "\"response\": \"" + chinese(3800) + "\", " + tail; }},
  {"Chinese \\u, 4 KB",
   [](size_t i) { return head(i) + "\"response\": \"" + escaped_chinese(3800) + "\", " + tail; }},
  {"small, 200 B", [](size_t i) { return head(i) + "\"answer\": \"25\", \"prompt\": \"What is x?\", " + tail; }},
};

const char *names[] = {"id", "group", "prompt", "answer", "response", "finish", "tokens", "logprobs", "sampling",
                       "reward", "rewards", "reward_status", "advantage", "pair", "batch", "draws", "step",
                       "policy_version", "images", "prompt_tokens", "old_logprobs", "ref_logprobs", "advantages",
                       "loss_weight", "loss_mask", "baseline"};

/// The best of many passes over all lines, in GB/s: on a shared machine the best is the least disturbed one.
template <typename Scan>
double speed(const std::vector<std::string> &lines, Scan scan) {
  size_t bytes = 0;
  for (const auto &line : lines) bytes += line.size();
  double best = 0;
  for (auto begin = std::chrono::steady_clock::now();
       std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(400);) {
    auto start = std::chrono::steady_clock::now();
    for (const auto &line : lines) scan(line);
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::max(best, bytes / taken.count() / 1e9);
  }
  return best;
}

void require(bool condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "%s refused a valid line\n", what);
  exit(1);
}

}  // namespace

int main(int argc, char **argv) {
  const char *wanted = argc > 1 ? argv[1] : "";  // measure only the kinds whose names contain this
  std::vector<uint16_t> lengths;
  for (const char *name : names) lengths.push_back((uint16_t)strlen(name));
  record_names *table = record_names_make(names, lengths.data(), lengths.size());

  printf("%-24s %6s", "GB/s", "bytes");
  for (int level = 0; level <= record_best_level(); level++) printf(" %7s", record_level_name(level));
  printf(" %7s %9s %9s %9s\n", "dom", "on-demand", "/ dom", "/ demand");

  for (const Kind &kind : kinds) {
    if (!strstr(kind.name, wanted)) continue;
    std::vector<std::string> lines;
    for (size_t i = 0, total = 0; total < 400'000; i++) {
      lines.push_back(kind.line(i));
      total += lines.back().size();
      // simdjson reads beyond the end; the room for it is its caller's business.
      lines.back().reserve(lines.back().size() + simdjson::SIMDJSON_PADDING);
    }
    printf("%-24s %6zu", kind.name, lines[0].size());
    double ours = 0;
    for (int level = 0; level <= record_best_level(); level++) {
      ours = speed(lines, [&](const std::string &line) {
        record_member members[32];
        record_error error;
        size_t count;
        auto bytes = (const uint8_t *)line.data();
        int code = record_scan_with(level, bytes, line.size(), table, members, 32, &count, &error);
        require(code == RECORD_OK && count >= 7, record_level_name(level));
      });
      printf(" %7.2f", ours);
    }
    simdjson::dom::parser dom;
    double strict = speed(lines, [&](const std::string &line) {
      simdjson::dom::element element;
      require(dom.parse(line.data(), line.size(), false).get(element) == simdjson::SUCCESS, "simdjson");
    });
    simdjson::ondemand::parser demand;
    double lax = speed(lines, [&](const std::string &line) {
      simdjson::ondemand::document document;
      auto view = simdjson::padded_string_view(line.data(), line.size(), line.capacity());
      require(demand.iterate(view).get(document) == simdjson::SUCCESS, "simdjson");
      size_t count = 0;
      for (auto field : document.get_object()) {
        std::string_view key;
        require(field.unescaped_key().get(key) == simdjson::SUCCESS, "simdjson");
        count += key.size();
      }
      require(count > 0, "simdjson");
    });
    printf(" %7.2f %9.2f %8.1fx %8.1fx\n", strict, lax, ours / strict, ours / lax);
  }
  record_names_free(table);

  printf("\nReading of values, GB/s of text\n");
  std::vector<std::string> ids, probabilities, texts;
  for (int i = 0; i < 40; i++) {
    ids.push_back(tokens(1000, ", "));
    probabilities.push_back(logprobs(1000, ", "));
    texts.push_back(english(8000));
  }
  std::vector<int64_t> integers(1000);
  std::vector<double> doubles(1000);
  std::vector<uint8_t> bytes(16000);
  auto data = [](const std::string &text) { return (const uint8_t *)text.data(); };
  printf("%-24s %6.2f\n", "count_elements", speed(ids, [&](const std::string &text) {
           require(record_count_elements(data(text), text.size()) == 1000, "count");
         }));
  printf("%-24s %6.2f\n", "parse_integers", speed(ids, [&](const std::string &text) {
           require(record_parse_integers(data(text), text.size(), integers.data(), 1000) == 1000, "integers");
         }));
  printf("%-24s %6.2f\n", "parse_doubles", speed(probabilities, [&](const std::string &text) {
           require(record_parse_doubles(data(text), text.size(), doubles.data(), 1000) == 1000, "doubles");
         }));
  printf("%-24s %6.2f\n", "strtod, for comparison", speed(probabilities, [&](const std::string &text) {
           char *at = (char *)text.data() + 1;
           for (int i = 0; i < 1000; i++) doubles[i] = strtod(at, &at), at++;
         }));
  printf("%-24s %6.2f\n", "unescape", speed(texts, [&](const std::string &text) {
           require(record_unescape(data(text), text.size(), bytes.data()) > 0, "unescape");
         }));
  printf("%-24s %6.2f\n", "nonfinite_to_null", speed(probabilities, [&](const std::string &text) {
           if (bytes.size() < 2 * text.size()) bytes.resize(2 * text.size());
           require(record_nonfinite_to_null(data(text), text.size(), bytes.data(), nullptr) > 0, "null");
         }));
}
