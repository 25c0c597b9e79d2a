// SPDX-License-Identifier: Apache-2.0
//
// The end of processes. As PID 1 the agent is the parent of every orphan: all that end are reaped,
// and those somebody waits for are reported.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <unordered_map>

#include "agent/event_loop.h"
#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::agent {

class Children {
 public:
  // `status` is what waitpid gave.
  using ExitHandler = std::function<void(int status)>;

  // SIGCHLD must be blocked already.
  static Result<std::unique_ptr<Children>> create(EventLoop& loop);

  // To be called before the loop turns again after `pid` was started.
  void watch(pid_t pid, ExitHandler handler) { handlers_[pid] = std::move(handler); }
  // The process is still reaped, silently.
  void forget(pid_t pid) { handlers_.erase(pid); }

 private:
  Children() = default;
  void reap();

  base::UniqueFd signals_;
  EventLoop::Watch watch_;
  std::unordered_map<pid_t, ExitHandler> handlers_;
};

}  // namespace msb::agent
