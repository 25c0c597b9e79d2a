// SPDX-License-Identifier: Apache-2.0
//
// Results of code and of commands: plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msb/export.h"
#include "msb/options.h"

namespace msb {

// A piece of output, in order of arrival: exact within each stream; what is written in the first
// millisecond comes stdout first (where a micro VM's processor is emulated: in the first 20, in a
// clone's first run 100). Bytes as they came; not necessarily UTF-8.
struct OutputChunk {
  Stream stream = Stream::kStdout;
  std::string bytes;
};

// Limits of the sandbox that were hit while something ran: why it may have failed.
struct LimitsHit {
  bool memory = false;     // the kernel killed a process at the memory limit
  bool processes = false;  // a fork was refused
  bool disk = false;       // the writable layer is full
  bool any() const { return memory || processes || disk; }
  // "out of memory (limit 64 MiB)", "disk full (limit 4096 MiB)", ... joined by ", ".
  std::string text;
};

// Collected output is kept up to this many bytes per run; what comes after is still passed to
// on_output, and truncated() says that the collection was cut.
inline constexpr std::size_t kMaxCollectedOutputBytes = 64 * 1024 * 1024;

class MSB_EXPORT Output {
 public:
  // Everything written to stdout / stderr, without the last newline.
  std::string output() const;
  std::string error() const;
  // Both, as they came.
  const std::vector<OutputChunk>& chunks() const { return chunks_; }
  // Bytes that came after kMaxCollectedOutputBytes and were not collected. 0: nothing was cut.
  std::uint64_t dropped_bytes() const { return dropped_bytes_; }
  bool truncated() const { return dropped_bytes_ > 0; }
  std::chrono::nanoseconds duration() const { return duration_; }
  const LimitsHit& limits_hit() const { return limits_hit_; }

 protected:
  friend class ExecutionBuilder;
  std::string joined(Stream stream) const;

  std::string raw_json_;  // as a server wrote it; empty: it ran on this host
  std::vector<OutputChunk> chunks_;
  std::uint64_t dropped_bytes_ = 0;
  std::chrono::nanoseconds duration_{0};
  LimitsHit limits_hit_;
};

class MSB_EXPORT CodeExecution : public Output {
 public:
  // "success"; "exception" (uncaught, the state is kept); "exit" (the code ended the
  // interpreter), "timeout", "died" (killed or crashed): then has the state been lost,
  // see state_lost().
  const std::string& status() const { return status_; }
  // "python" or "nodejs".
  const std::string& language() const { return language_; }
  // The status is not "success", or something was written to stderr.
  bool has_error() const;
  // "exit": the status that the code asked for. "died": 128 + signal number if a signal ended the
  // interpreter, else its exit status. 0 otherwise.
  int exit_code() const { return exit_code_; }
  // The interpreter was replaced: variables of earlier runs are gone.
  bool state_lost() const { return state_lost_; }
  // {"status","language","output":[{"stream","text"}...],...}; lines as in the wire contract.
  std::string to_json() const;
  // The server's result with everything it holds, on one line; to_json() where there is no server,
  // or its output came ahead of the result.
  std::string raw_json() const { return raw_json_.empty() ? to_json() : raw_json_; }

 private:
  friend class ExecutionBuilder;
  std::string status_ = "success";
  std::string language_;
  int exit_code_ = 0;
  bool state_lost_ = false;
};

class MSB_EXPORT CommandExecution : public Output {
 public:
  // The exit status; 128 + signal number if a signal ended it.
  int exit_code() const { return exit_code_; }
  // The signal that ended it, or 0.
  int signal() const { return signal_; }
  bool is_success() const { return exit_code_ == 0; }
  const std::string& command() const { return command_; }
  const std::vector<std::string>& args() const { return args_; }
  // {"command","args","exit_code","success","output":[...],...}
  std::string to_json() const;
  // The server's result with everything it holds, on one line; to_json() where there is no server,
  // or its output came ahead of the result.
  std::string raw_json() const { return raw_json_.empty() ? to_json() : raw_json_; }

 private:
  friend class ExecutionBuilder;
  std::string command_;
  std::vector<std::string> args_;
  int exit_code_ = 0;
  int signal_ = 0;
};

}  // namespace msb
