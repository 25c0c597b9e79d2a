// SPDX-License-Identifier: Apache-2.0
//
// A command in a sandbox that runs beside its caller. A thread of its own drives it, so that
// output flows while the caller writes input.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>

#include "engine/session.h"

namespace msb::engine {

class Process {
 public:
  // Returns when the command runs; kNotFound, kPermissionDenied, ... when it cannot. `sink` is
  // called from the process's own thread.
  static Result<std::unique_ptr<Process>> start(std::shared_ptr<Session> session,
                                                CommandRequest request, OutputSink sink);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  // Kills the command's process group if it still runs.
  ~Process();

  // Blocks while the command does not read.
  Result<> write_stdin(std::string_view bytes);
  Result<> close_stdin();
  Result<> signal(int number);
  Result<> resize(std::uint16_t rows, std::uint16_t columns);
  // Once only.
  Result<CommandEnd> wait();

 private:
  Process(std::shared_ptr<Session> session, CommandRequest request, OutputSink sink);
  void run(std::promise<void> settled);
  Result<> require_running();
  Result<> send(std::span<const std::byte> frames);

  const std::shared_ptr<Session> session_;
  CommandRequest request_;
  const OutputSink sink_;
  Session::Begun begun_;
  std::stop_source stop_;
  // Both are set before start() returns, or by the thread that wait() joins.
  bool started_ = false;
  Result<CommandEnd> end_;
  std::thread thread_;
};

}  // namespace msb::engine
