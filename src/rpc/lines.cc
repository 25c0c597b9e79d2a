// SPDX-License-Identifier: Apache-2.0
#include "rpc/lines.h"

#include <algorithm>
#include <array>
#include <utility>

namespace msb::rpc {

std::string_view Lines::admit(std::string_view bytes) {
  const std::size_t room =
      lines_.size() >= kMaxLines ? 0 : std::min(bytes.size(), kMaxBytes - kept_bytes_);
  dropped_bytes_ += bytes.size() - room;
  kept_bytes_ += room;
  return bytes.substr(0, room);
}

void Lines::end_line(Stream stream) {
  std::string& text = open_[static_cast<std::size_t>(stream)];
  if (text.ends_with('\r')) {
    text.pop_back();
  }
  lines_.push_back({stream, std::exchange(text, {})});
}

void Lines::append(Stream stream, std::string_view bytes) {
  std::string& open = open_[static_cast<std::size_t>(stream)];
  const std::string& other = open_[1 - static_cast<std::size_t>(stream)];
  bytes = admit(bytes);
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    if (open.empty() && other.empty()) {
      stderr_began_first_ = stream == Stream::kStderr;
    }
    open += bytes.substr(0, end);
    if (end == std::string_view::npos) {
      return;
    }
    end_line(stream);
    if (!other.empty()) {
      stderr_began_first_ = stream != Stream::kStderr;
    }
    bytes.remove_prefix(end + 1);
    if (lines_.size() >= kMaxLines) {
      dropped_bytes_ += bytes.size();
      kept_bytes_ -= bytes.size();
      return;
    }
  }
}

std::vector<Line> Lines::finish(std::uint64_t dropped_bytes) && {
  std::array<Stream, 2> order = {Stream::kStdout, Stream::kStderr};
  if (stderr_began_first_) {
    std::swap(order[0], order[1]);
  }
  for (const Stream stream : order) {
    if (!open_[static_cast<std::size_t>(stream)].empty()) {
      end_line(stream);
    }
  }
  dropped_bytes += dropped_bytes_;
  if (dropped_bytes > 0) {
    lines_.push_back({Stream::kStderr, "Error: output was cut here; " +
                                           std::to_string(dropped_bytes) + " more bytes came"});
  }
  return std::move(lines_);
}

}  // namespace msb::rpc
