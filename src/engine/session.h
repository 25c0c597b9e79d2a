// SPDX-License-Identifier: Apache-2.0
//
// The conversation with one sandbox, once it has been greeted (greeting.h): runs of code and
// commands.
//
// Thread-safe; each run belongs to the thread that asked for it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent_link.h"
#include "engine/drive.h"
#include "engine/exit_board.h"
#include "engine/gauges.h"
#include "engine/turnstile.h"
#include "wire/messages.h"

namespace msb::engine {

struct CodeRequest {
  wire::Language language = wire::Language::kPython;
  std::string_view code;
  std::chrono::milliseconds timeout{0};
  std::stop_token stop;
  Call::Wake wake = Call::Wake::kInPortions;
};

struct RunSummary {
  LimitsHit limits;
  std::uint64_t dropped_bytes = 0;  // by the agent, before they came to the host
  std::chrono::nanoseconds duration{0};
};

struct CodeEnd : RunSummary {
  wire::ReplDone::Status status = wire::ReplDone::Status::kSuccess;
  int exit_code = 0;
  bool state_lost = false;
};

struct CommandRequest {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string workdir;
  std::string user;
  std::chrono::milliseconds timeout{0};
  std::stop_token stop;
  std::string_view input;  // empty: stdin is /dev/null
  struct Terminal {
    std::uint16_t rows = 24;
    std::uint16_t columns = 80;
  };
  std::optional<Terminal> terminal;
  bool stdin_open = false;  // stdin is fed later
  Call::Wake wake = Call::Wake::kInPortions;
};

struct CommandEnd : RunSummary {
  int exit_code = 0;  // 128 + signal if one ended it
  int signal = 0;
};

class Session {
 public:
  Session(std::shared_ptr<AgentLink> link, std::shared_ptr<Gauges> gauges,
          std::shared_ptr<ExitReport> exit_report, isolation::Limits limits);

  // Output goes to `sink` in the calling thread. The end of the interpreter (exit, death, time
  // limit) adds a line on stderr that says so.
  Result<CodeEnd> run_code(const CodeRequest& request, const OutputSink& sink);
  Result<CommandEnd> run_command(const CommandRequest& request, const OutputSink& sink);

  // No run gets in any more, those inside are lost with this reason.
  void close(const Error& reason);

  // Every run of code that was asked for before has ended, and none begins as long as this is held.
  // nullopt: `stop`, or closed.
  using Hold = std::array<Turnstile::Turn, 2>;
  std::optional<Hold> hold(const std::stop_token& stop);

  // What an exec is begun and ended with; for Process, which has a thread of its own between.
  struct Begun {
    std::shared_ptr<Call> call;
    std::uint32_t stream = 0;
    LimitEvents limits;
    Call::Clock::time_point time;
  };
  Result<Begun> begin_command(const CommandRequest& request);
  Result<CommandEnd> finish_command(const CommandRequest& request, const Begun& begun,
                                    const Driven& driven);
  AgentLink& link() { return *link_; }
  const std::shared_ptr<AgentLink>& shared_link() { return link_; }

  // kSandboxGone with the cause, when the link was lost with `reason`. May wait for the warden's
  // report, which says whether memory was the cause.
  Error why_gone(const Error& reason);

 private:
  Result<CodeEnd> finish_code(const CodeRequest& request, const Driven& driven,
                              const LimitEvents& limits, Call::Clock::time_point begun,
                              const OutputSink& sink, bool in_stderr_line);
  RunSummary summarize(const Driven& driven, const LimitEvents& limits,
                       Call::Clock::time_point begun) const;

  const std::shared_ptr<AgentLink> link_;
  const std::shared_ptr<Gauges> gauges_;
  const std::shared_ptr<ExitReport> exit_report_;
  const isolation::Limits limits_;
  std::array<Turnstile, 2> turns_;  // by language
};

}  // namespace msb::engine
