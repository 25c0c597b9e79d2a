// SPDX-License-Identifier: Apache-2.0
//
// QEMU's monitor: one JSON object a line. QEMU may have been taken over by its guest, so what it
// says is foreign: lines, nesting and events are bounded, and nothing of it reaches an error but
// printable text.
#pragma once

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::microvm {

inline constexpr std::size_t kMaxQmpLineBytes = 64 * 1024;

struct QmpMessage {
  enum class Kind { kGreeting, kReturn, kError, kEvent } kind = Kind::kReturn;
  nlohmann::json value;  // of a return
  std::string text;      // an event's name, an error's description
};

// kCorrupt: not a message of QMP.
Result<QmpMessage> parse_qmp(std::string_view line);

// One command at a time; events in between are passed over.
class QmpClient {
 public:
  using Clock = std::chrono::steady_clock;

  // Over a connected socket; greets. The descriptor is non-blocking from here on.
  static Result<QmpClient> create(base::UniqueFd socket, Clock::time_point deadline);

  // Its return value. kTimeout: no answer by then; the client is of no use any more.
  Result<nlohmann::json> execute(const std::string& command, const nlohmann::json& arguments,
                                 Clock::time_point deadline);
  // The same, with a descriptor for QEMU ("getfd").
  Result<nlohmann::json> execute_with_fd(const std::string& command,
                                         const nlohmann::json& arguments, int fd,
                                         Clock::time_point deadline);

  // Reads and forgets what has come unasked. False: QEMU has closed its end.
  Result<bool> drain();
  int fd() const { return socket_.get(); }

 private:
  explicit QmpClient(base::UniqueFd socket) : socket_(std::move(socket)) {}
  Result<QmpMessage> receive(Clock::time_point deadline);
  Result<std::optional<std::string>> next_line();
  Result<bool> read_some();

  base::UniqueFd socket_;
  std::string buffer_;
};

}  // namespace msb::isolation::microvm
