// SPDX-License-Identifier: Apache-2.0
//
// One command, from request to exit report.
//
//   running --waitpid--> draining --both lanes sent--> kExited
//      |  timeout, cancel: SIGKILL to all that came of it, and kAnswerGrace begins
//      +--> killed --waitpid--> draining ...; the grace's end answers in any case
//
// The exit is what waitpid says, never an end of file: a background child may hold the pipes for
// ever. What is in the pipes at that moment is the rest of the output.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "agent/context.h"
#include "agent/input_lane.h"
#include "agent/measure.h"
#include "agent/output_lane.h"
#include "agent/spawn_plan.h"
#include "agent/stream.h"
#include "base/try.h"
#include "wire/messages.h"

namespace msb::agent {

class Exec final : public Stream {
 public:
  // Starts the process and sends kStarted; a failure is for the caller to answer.
  static Result<std::unique_ptr<Exec>> start(Context& context, std::uint32_t stream,
                                             const wire::Exec& request);
  ~Exec() override;

  void on_data(std::span<const std::byte> bytes) override;
  void on_end() override;
  void on_signal(int number) override;
  void on_resize(std::uint16_t rows, std::uint16_t columns) override;
  void on_cancel() override;
  void on_credit() override;
  // The process goes on, unheard, and without a time limit: that was its caller's.
  void on_left() override;

 private:
  Exec(Context& context, std::uint32_t stream) : Stream(stream), context_(context) {}
  Result<> start_on_pipes(SpawnPlan& plan, bool feed_stdin);
  Result<> start_on_terminal(SpawnPlan& plan, std::uint16_t rows, std::uint16_t columns);
  Result<std::unique_ptr<OutputLane>> output(wire::FrameType type, base::UniqueFd fd);
  void exited(int status);
  void kill(wire::Exited::Ended reason);
  // Sends the report if nothing is left to wait for.
  void report_if_done();
  void report();

  Context& context_;
  pid_t pid_ = 0;  // 0: not running any more
  std::uint64_t mark_ = 0;
  LimitCount limits_;
  wire::Exited report_;
  bool terminal_ = false;
  bool killed_ = false;
  bool reported_ = false;
  std::unique_ptr<InputLane> stdin_;
  std::unique_ptr<OutputLane> stdout_;
  std::unique_ptr<OutputLane> stderr_;
  EventLoop::Timer timer_;  // the timeout, then the grace
};

}  // namespace msb::agent
