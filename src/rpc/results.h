// SPDX-License-Identifier: Apache-2.0
//
// Results of the methods, in the shapes that clients of both dialects decode. A member that no
// older server has is written only when there is something to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/json.h"
#include "rpc/lines.h"

namespace msb::rpc {

struct CodeResult {
  enum class Status : std::uint8_t { kSuccess, kException, kExit, kTimeout, kDied };
  Status status = Status::kSuccess;
  std::string language;                     // as the caller wrote it
  std::optional<std::vector<Line>> output;  // nothing: it went ahead, as it came
  int exit_code = 0;                        // kExit, kDied
  bool state_lost = false;
  std::string limits_hit;           // "out of memory (limit 64 MiB)"; empty: none
  std::uint64_t dropped_bytes = 0;  // of output that was lost in the sandbox
};

struct CommandResult {
  std::string command;
  std::vector<std::string> args;
  int exit_code = 0;
  int signal = 0;  // that ended it, or 0
  std::optional<std::vector<Line>> output;
  std::string limits_hit;
  std::uint64_t dropped_bytes = 0;
};

// What is known of a sandbox that runs.
struct SandboxInfo {
  std::string image;
  struct Port {
    std::uint16_t host = 0;
    std::uint16_t guest = 0;
  };
  std::vector<Port> ports;
  std::string isolation;
  std::vector<std::string> weaknesses;
  std::vector<std::string> image_command;
  std::optional<int> exec_exit_code;  // nothing: there is no such command, or it has not ended
};

struct SandboxMetrics {
  std::string namespace_name;
  std::string name;
  bool is_running = false;
  bool is_paused = false;
  std::string isolation{};  // of one that runs
  double cpu_percent = 0;
  std::int64_t memory_mib = 0;
  std::int64_t disk_bytes = 0;  // also of one that does not run
};

// status is "success", "exception", or "error" with "reason": "exit" | "timeout" | "died".
Json encode(const CodeResult& result);
// A command that a signal ended has exit_code 1, and "signal".
Json encode(const CommandResult& result);
Json encode(const SandboxInfo& info);
// {"sandboxes": [...]}. Numbers of one that does not run are null, but for "disk_bytes", which no
// older server has; sizes are integers. "paused" is there when it is true, "isolation" of one that
// runs.
Json encode(const std::vector<SandboxMetrics>& sandboxes);

std::string started_text(std::string_view sandbox);
std::string stopped_text(std::string_view sandbox);
std::string paused_text(std::string_view sandbox);
std::string resumed_text(std::string_view sandbox);
std::string removed_text(std::string_view sandbox);

}  // namespace msb::rpc
