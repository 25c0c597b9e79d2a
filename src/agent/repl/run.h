// SPDX-License-Identifier: Apache-2.0
//
// One submission: the code on its way in, the output on its way out, the end.
//
//   collecting --kEnd--> queued --begin()--> running --finish()--> draining --> kReplDone
//       any state before --fail()--> kFailed
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "agent/context.h"
#include "agent/measure.h"
#include "agent/output_lane.h"
#include "agent/stream.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "wire/messages.h"

namespace msb::agent::repl {

class Repl;

// In the length of a request: code that is to leave no trace; of no length, the next one's pipes.
inline constexpr std::uint32_t kPracticeBits = 3u << 30;

// The read ends of what a run prints to.
struct OutputPipes {
  base::UniqueFd out;
  base::UniqueFd err;
};

class Run final : public Stream {
 public:
  Run(Context& context, Repl& repl, std::uint32_t stream, const wire::Repl& request);
  ~Run() override;

  void on_code(std::span<const std::byte> bytes) override;
  void on_end() override;
  void on_cancel() override;
  void on_credit() override;

  std::uint64_t timeout_ms() const { return timeout_ms_; }
  bool is_practice() const { return bits_ != 0; }
  // The request as the interpreter gets it: u32 length, then the code. Can be taken once.
  std::string take_request();
  // `patience`: see OutputLane::create.
  Result<> begin(OutputPipes pipes, std::chrono::milliseconds patience);
  // What the pipes hold now is the rest of the output; they are given back.
  OutputPipes finish(const wire::ReplDone& report);
  void fail(const Error& error);

 private:
  void report_if_done();
  void report();
  void give_up_code();

  Context& context_;
  Repl& repl_;
  const std::uint64_t timeout_ms_;
  const std::uint32_t bits_;
  std::string request_;
  bool submitted_ = false;
  bool finished_ = false;
  bool closed_ = false;
  LimitCount limits_;
  wire::ReplDone report_;
  std::unique_ptr<OutputLane> out_;
  std::unique_ptr<OutputLane> err_;
  EventLoop::Timer grace_;
};

}  // namespace msb::agent::repl
