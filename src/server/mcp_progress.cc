// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_progress.h"

#include "rpc/mcp.h"

namespace msb::server {

void McpProgress::pulled(std::uint64_t done_bytes, std::uint64_t total_bytes) {
  const std::lock_guard lock(mutex_);
  done_bytes_ = done_bytes;
  total_bytes_ = total_bytes;
}

void McpProgress::wrote(std::string_view bytes) {
  constexpr std::size_t kMaxLineBytes = 200;
  while (bytes.ends_with('\n')) {
    bytes.remove_suffix(1);
  }
  if (bytes.empty()) {
    return;
  }
  const auto before = bytes.rfind('\n');
  const std::string_view line = bytes.substr(before == std::string_view::npos ? 0 : before + 1);
  const std::lock_guard lock(mutex_);
  last_line_ = line.substr(0, kMaxLineBytes);
}

std::optional<rpc::Json> McpProgress::next() {
  const std::lock_guard lock(mutex_);
  const bool pulls = total_bytes_ > 0;
  const std::chrono::duration<double> passed = Clock::now() - begun_;
  const double progress = pulls ? static_cast<double>(done_bytes_) : passed.count();
  // The protocol wants it to grow each time.
  if (has_ended_ || progress <= reported_) {
    return std::nullopt;
  }
  reported_ = progress;
  return rpc::mcp_progress(
      token_, progress, pulls ? std::optional(static_cast<double>(total_bytes_)) : std::nullopt,
      pulls ? std::string_view("pulling the image") : std::string_view(last_line_));
}

void McpProgress::end() {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
}

}  // namespace msb::server
