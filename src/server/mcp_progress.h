// SPDX-License-Identifier: Apache-2.0
//
// How far a call has come. The call's thread writes it as often as it likes; the transport reads it
// at its own pace, so neither waits for the other and nothing piles up between them.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "rpc/json.h"

namespace msb::server {

class McpProgress {
 public:
  using Clock = std::chrono::steady_clock;

  explicit McpProgress(rpc::Json token) : token_(std::move(token)), begun_(Clock::now()) {}

  // The two never come in one call: an image is pulled, or output is written.
  void pulled(std::uint64_t done_bytes, std::uint64_t total_bytes);
  void wrote(std::string_view bytes);

  // A notification, unless the last one said as much. Bytes for a pull, else the seconds that have
  // passed, with the last line of output. None any more once the call has ended.
  std::optional<rpc::Json> next();
  void end();

 private:
  const rpc::Json token_;
  const Clock::time_point begun_;
  std::mutex mutex_;  // guards what follows
  std::uint64_t done_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
  std::string last_line_;
  double reported_ = -1;
  bool has_ended_ = false;
};

}  // namespace msb::server
