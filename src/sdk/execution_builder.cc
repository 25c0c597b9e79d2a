// SPDX-License-Identifier: Apache-2.0
#include "sdk/execution_builder.h"

#include <algorithm>
#include <utility>

namespace msb {
namespace {

// Longer output goes on in another chunk: it is not copied again each time it has doubled.
constexpr std::size_t kMaxJoinedBytes = 1024 * 1024;

}  // namespace

void ExecutionBuilder::add(Stream stream, std::string_view bytes) {
  const bool joins = !chunks_.empty() && chunks_.back().stream == stream;
  std::size_t room = kMaxCollectedOutputBytes - collected_bytes_;
  if (dropped_bytes_ > 0 || (!joins && chunks_.size() >= kMaxCollectedPieces)) {
    room = 0;  // nothing is collected behind a gap
  }
  const std::string_view kept = bytes.substr(0, room);
  dropped_bytes_ += bytes.size() - kept.size();
  collected_bytes_ += kept.size();
  if (kept.empty()) {
    return;
  }
  if (joins && chunks_.back().bytes.size() < kMaxJoinedBytes) {
    chunks_.back().bytes.append(kept);
  } else {
    chunks_.push_back({stream, std::string(kept)});
  }
}

void ExecutionBuilder::fill(Output& output, Summary summary) && {
  output.chunks_ = std::move(chunks_);
  output.dropped_bytes_ = dropped_bytes_ + summary.dropped_bytes;
  output.raw_json_ = std::move(summary.raw_json);
  output.duration_ = summary.duration;
  output.limits_hit_ = std::move(summary.limits_hit);
}

CodeExecution ExecutionBuilder::code(std::string status, std::string language, int exit_code,
                                     bool state_lost, Summary summary) && {
  CodeExecution execution;
  std::move(*this).fill(execution, std::move(summary));
  execution.status_ = std::move(status);
  execution.language_ = std::move(language);
  execution.exit_code_ = exit_code;
  execution.state_lost_ = state_lost;
  return execution;
}

CommandExecution ExecutionBuilder::command(std::string command, std::vector<std::string> args,
                                           int exit_code, int signal, Summary summary) && {
  CommandExecution execution;
  std::move(*this).fill(execution, std::move(summary));
  execution.command_ = std::move(command);
  execution.args_ = std::move(args);
  execution.exit_code_ = exit_code;
  execution.signal_ = signal;
  return execution;
}

}  // namespace msb
