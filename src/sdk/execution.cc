// SPDX-License-Identifier: Apache-2.0
//
// Readers of the result types. The lines of to_json() are those of the wire contract: each stream
// cut at newlines, a carriage return before one removed, in the order in which the lines began.
#include "msb/execution.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace msb {
namespace {

using nlohmann::ordered_json;

std::string_view name_of(Stream stream) {
  return stream == Stream::kStdout ? "stdout" : "stderr";
}

class LineList {
 public:
  void add(Stream stream, std::string_view bytes) {
    std::optional<std::size_t>& open = open_[stream == Stream::kStdout ? 0 : 1];
    while (!bytes.empty()) {
      if (!open) {
        open = lines_.size();
        lines_.emplace_back(stream, std::string());
      }
      const auto newline = bytes.find('\n');
      std::string& line = lines_[*open].second;
      line.append(bytes.substr(0, newline));
      if (newline == std::string_view::npos) {
        return;
      }
      if (line.ends_with('\r')) {
        line.pop_back();
      }
      open.reset();
      bytes.remove_prefix(newline + 1);
    }
  }

  ordered_json json() const {
    ordered_json list = ordered_json::array();
    for (const auto& [stream, text] : lines_) {
      list.push_back({{"stream", name_of(stream)}, {"text", text}});
    }
    return list;
  }

 private:
  std::vector<std::pair<Stream, std::string>> lines_;
  std::array<std::optional<std::size_t>, 2> open_;  // the line that has no newline yet
};

void append_output(ordered_json& json, const Output& output) {
  LineList lines;
  for (const OutputChunk& chunk : output.chunks()) {
    lines.add(chunk.stream, chunk.bytes);
  }
  json["output"] = lines.json();
  json["duration_ms"] = std::chrono::duration<double, std::milli>(output.duration()).count();
  if (output.truncated()) {
    json["dropped_bytes"] = output.dropped_bytes();
  }
  if (output.limits_hit().any()) {
    json["limits_hit"] = output.limits_hit().text;
  }
}

// Output is bytes; what is not UTF-8 becomes U+FFFD.
std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string Output::joined(Stream stream) const {
  std::string text;
  for (const OutputChunk& chunk : chunks_) {
    if (chunk.stream == stream) {
      text += chunk.bytes;
    }
  }
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

std::string Output::output() const {
  return joined(Stream::kStdout);
}
std::string Output::error() const {
  return joined(Stream::kStderr);
}

bool CodeExecution::has_error() const {
  return status_ != "success" || std::ranges::any_of(chunks_, [](const OutputChunk& chunk) {
           return chunk.stream == Stream::kStderr;
         });
}

std::string CodeExecution::to_json() const {
  ordered_json json = {{"status", status_}, {"language", language_}};
  append_output(json, *this);
  if (status_ == "exit" || status_ == "died") {
    json["exit_code"] = exit_code_;
  }
  json["state_lost"] = state_lost_;
  return dump(json);
}

std::string CommandExecution::to_json() const {
  ordered_json json = {
      {"command", command_}, {"args", args_}, {"exit_code", exit_code_}, {"success", is_success()}};
  append_output(json, *this);
  if (signal_ != 0) {
    json["signal"] = signal_;
  }
  return dump(json);
}

}  // namespace msb
