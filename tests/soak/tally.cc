// SPDX-License-Identifier: Apache-2.0
#include "tally.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace msb::soak {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      result += escape;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string list(const std::vector<std::string>& texts) {
  std::string result = "[";
  for (const std::string& text : texts) {
    result += (result.size() > 1 ? ", " : "") + quoted(text);
  }
  return result + "]";
}

std::string errors_text(const Row& row) {
  std::string text;
  for (const auto& [code, count] : row.errors) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + code;
  }
  return text.empty() ? "–" : text;
}

std::string audit_text(const Row& row) {
  const std::string count = std::to_string(row.audits);
  return row.leftovers.empty() ? count + " clean"
                               : std::to_string(row.leftovers.size()) + " left over";
}

std::string rounded(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", seconds);
  return text;
}

Row total_of(const std::vector<Row>& rows) {
  Row total;
  total.fault = "**all**";
  for (const Row& row : rows) {
    total.sandboxes += row.sandboxes;
    total.runs += row.runs;
    total.kills += row.kills;
    total.interrupted += row.interrupted;
    for (const auto& [code, count] : row.errors) {
      total.errors["named"] += count;
    }
    total.unexpected.insert(total.unexpected.end(), row.unexpected.begin(), row.unexpected.end());
    total.hangs += row.hangs;
    total.audits += row.audits;
    total.leftovers.insert(total.leftovers.end(), row.leftovers.begin(), row.leftovers.end());
    total.seconds += row.seconds;
  }
  return total;
}

}  // namespace

Tally::Tally(std::string fault, std::vector<std::string> phrases) : phrases_(std::move(phrases)) {
  row_.fault = std::move(fault);
}

void Tally::started() {
  const std::lock_guard lock(mutex_);
  ++row_.sandboxes;
}

void Tally::ran() {
  const std::lock_guard lock(mutex_);
  ++row_.runs;
}

void Tally::interrupted() {
  const std::lock_guard lock(mutex_);
  ++row_.interrupted;
}

void Tally::killed(std::int64_t count) {
  const std::lock_guard lock(mutex_);
  row_.kills += count;
}

void Tally::failed(const std::string& what, const Error& error) {
  const std::string message = error.message();
  const bool is_named = std::ranges::any_of(phrases_, [&message](const std::string& phrase) {
    return message.find(phrase) != std::string::npos;
  });
  if (!is_named) {
    unexpected(what + ": " + message);
    return;
  }
  const std::lock_guard lock(mutex_);
  ++row_.errors[std::string(to_string(error.cause()))];
}

void Tally::unexpected(std::string text) {
  const std::lock_guard lock(mutex_);
  if (row_.unexpected.size() < kMaxTexts) {
    std::fprintf(stderr, "soak: %s: unexpected: %s\n", row_.fault.c_str(), text.c_str());
  }
  row_.unexpected.push_back(std::move(text));
}

std::int64_t Tally::sandboxes() const {
  const std::lock_guard lock(mutex_);
  return row_.sandboxes;
}

bool Tally::is_hopeless() const {
  constexpr std::size_t kMaxUnexpected = 100;
  const std::lock_guard lock(mutex_);
  return row_.unexpected.size() > kMaxUnexpected;
}

std::int64_t Tally::errors() const {
  const std::lock_guard lock(mutex_);
  std::int64_t count = 0;
  for (const auto& [code, errors] : row_.errors) {
    count += errors;
  }
  return count;
}

Row Tally::row() const {
  const std::lock_guard lock(mutex_);
  return row_;
}

std::string line_of(const Row& row) {
  if (!row.skipped.empty()) {
    return "| " + row.fault + " | | | | | not tried: " + row.skipped + " | | | | |\n";
  }
  return "| " + row.fault + " | " + std::to_string(row.sandboxes) + " | " +
         std::to_string(row.runs) + " | " + std::to_string(row.kills) + " | " +
         std::to_string(row.interrupted) + " | " + errors_text(row) + " | " +
         std::to_string(row.unexpected.size()) + " | " + std::to_string(row.hangs) + " | " +
         audit_text(row) + " | " + rounded(row.seconds) + " |\n";
}

bool is_good(const Row& row) {
  return row.unexpected.empty() && row.hangs == 0 && row.leftovers.empty();
}

std::string markdown(const std::vector<Row>& rows) {
  std::string text =
      "| fault | sandboxes | runs | kills | interrupted runs | errors that name it | unexpected | "
      "hangs | audits | s |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    text += line_of(row);
  }
  return text + line_of(total_of(rows));
}

std::string json(const std::vector<Row>& rows) {
  std::string text = "[\n";
  for (const Row& row : rows) {
    std::string errors;
    for (const auto& [code, count] : row.errors) {
      errors += (errors.empty() ? "" : ", ") + quoted(code) + ": " + std::to_string(count);
    }
    text +=
        "  {\"fault\": " + quoted(row.fault) + ", \"skipped\": " + quoted(row.skipped) +
        ", \"sandboxes\": " + std::to_string(row.sandboxes) +
        ", \"runs\": " + std::to_string(row.runs) + ", \"kills\": " + std::to_string(row.kills) +
        ", \"interrupted\": " + std::to_string(row.interrupted) + ", \"errors\": {" + errors +
        "}, \"unexpected\": " + list(row.unexpected) + ", \"hangs\": " + std::to_string(row.hangs) +
        ", \"audits\": " + std::to_string(row.audits) + ", \"leftovers\": " + list(row.leftovers) +
        ", \"seconds\": " + rounded(row.seconds) + "}" + (&row == &rows.back() ? "\n" : ",\n");
  }
  return text + "]\n";
}

}  // namespace msb::soak
