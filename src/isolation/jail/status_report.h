// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/try.h"

namespace msb::isolation::jail {

// What the status socket carries, in this order: one report, then the end of file when the agent is
// executed or the process is dead.
//   kReady  weaknesses; with a descriptor of the writable layer, and of a spare's host name (its
//   UTS
//           namespace) and shared memory (the mount). The agent is about to be executed.
//   kFailed an Error. May follow kReady, if the execution itself failed.
struct StatusReport {
  enum class Kind : std::uint8_t { kReady = 1, kFailed = 2 } kind = Kind::kReady;
  bool disk_limited = false;
  std::vector<std::string> weaknesses;
  Error error{ErrorCode::kInternal, {}};

  std::vector<std::byte> encode() const;
  static Result<StatusReport> decode(std::span<const std::byte> bytes);
};

inline constexpr std::size_t kMaxStatusBytes = 64 * 1024;

}  // namespace msb::isolation::jail
