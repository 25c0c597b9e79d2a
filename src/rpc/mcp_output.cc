// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "rpc/mcp.h"

namespace msb::rpc {
namespace {

// What a line costs beside its text, written as JSON.
constexpr std::size_t kFrameBytes = 48;

std::size_t text_bytes(const Json& line) {
  return line["text"].get_ref<const std::string&>().size();
}

// How many lines, from `first` on, cost no more than `budget` together.
template <typename Iterator>
std::size_t count_affordable(Iterator first, const Iterator& last, std::size_t budget) {
  std::size_t count = 0;
  for (std::size_t cost = 0; first != last; ++first, ++count) {
    cost += text_bytes(*first) + kFrameBytes;
    if (cost > budget) {
      break;
    }
  }
  return count;
}

// The first `size` bytes, less what is begun of a character there.
std::string head_of(const std::string& text, std::size_t size) {
  constexpr unsigned char kContinues = 0x80;
  constexpr unsigned char kContinuesMask = 0xC0;
  const auto continues = [](char c) {
    return (static_cast<unsigned char>(c) & kContinuesMask) == kContinues;
  };
  size = std::min(size, text.size());
  while (size > 0 && size < text.size() && continues(text[size])) {
    --size;
  }
  return text.substr(0, size);
}

}  // namespace

Json with_shortened_output(Json result) {
  const auto output = result.find("output");
  if (output == result.end() || !output->is_array()) {
    return result;
  }
  constexpr std::size_t kHalf = kMaxToolOutputBytes / 2;
  Json& lines = *output;
  if (count_affordable(lines.begin(), lines.end(), kMaxToolOutputBytes) == lines.size()) {
    return result;
  }
  const std::size_t head = count_affordable(lines.begin(), lines.end(), kHalf);
  const std::size_t tail = count_affordable(lines.rbegin(), lines.rend(), kHalf);
  Json kept = Json::array();
  std::uint64_t left_out_bytes = 0;
  for (std::size_t i = 0; i < head; ++i) {
    kept.push_back(std::move(lines[i]));
  }
  const std::size_t after = std::max(head, lines.size() - tail);
  for (std::size_t i = head; i < after; ++i) {
    left_out_bytes += text_bytes(lines[i]) + 1;
  }
  // A line that is too long by itself: a piece of it is better than nothing.
  if (head == 0) {
    Json piece = {{"stream", lines[0]["stream"]},
                  {"text", head_of(lines[0]["text"].get_ref<const std::string&>(), kHalf)}};
    left_out_bytes -= text_bytes(piece);
    kept.push_back(std::move(piece));
  }
  kept.push_back({{"stream", "stderr"},
                  {"text", "[" + std::to_string(left_out_bytes) +
                               " bytes of output are left out here; write it to a file and read "
                               "the part you need]"}});
  for (std::size_t i = after; i < lines.size(); ++i) {
    kept.push_back(std::move(lines[i]));
  }
  *output = std::move(kept);
  result["left_out_bytes"] = left_out_bytes;
  return result;
}

}  // namespace msb::rpc
