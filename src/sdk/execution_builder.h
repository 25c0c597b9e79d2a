// SPDX-License-Identifier: Apache-2.0
//
// Fills the public result types, which only have readers, while a run goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msb/execution.h"

namespace msb {

class ExecutionBuilder {
 public:
  // Alternating one-byte writes would need many times their size; pieces are counted as well.
  static constexpr std::size_t kMaxCollectedPieces = 1024 * 1024;

  void add(Stream stream, std::string_view bytes);

  struct Summary {
    LimitsHit limits_hit;
    std::uint64_t dropped_bytes = 0;
    std::chrono::nanoseconds duration{0};
    std::string raw_json = {};  // of a server
  };
  CodeExecution code(std::string status, std::string language, int exit_code, bool state_lost,
                     Summary summary) &&;
  CommandExecution command(std::string command, std::vector<std::string> args, int exit_code,
                           int signal, Summary summary) &&;

 private:
  void fill(Output& output, Summary summary) &&;

  std::vector<OutputChunk> chunks_;
  std::size_t collected_bytes_ = 0;
  std::uint64_t dropped_bytes_ = 0;
};

}  // namespace msb
