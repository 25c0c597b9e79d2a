// SPDX-License-Identifier: Apache-2.0
//
// A program of ours or a tool, started with an explicit list of descriptors and nothing else.
// Safe in multi-threaded programs: it forks only to exec at once.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::base {

struct ChildSpec {
  std::string path;                             // absolute; no PATH lookup
  std::vector<std::string> argv;                // argv[0] included
  std::optional<std::vector<std::string>> env;  // KEY=VALUE; nullopt: the parent's own
  // (descriptor here, number in the child). 0, 1, 2 that are not named are /dev/null; every other
  // descriptor is closed.
  std::vector<std::pair<int, int>> fds;
  bool new_session = false;  // setsid(): signals of the terminal do not reach it
};

// How a child ended.
struct ExitStatus {
  bool signaled = false;
  int code = 0;  // exit status or signal number
  bool success() const { return !signaled && code == 0; }
  std::string text() const;  // "exit status 3", "signal 9 (Killed)"
};

// Owns the process through a pidfd. The destructor kills (SIGKILL) and reaps what still runs.
class ChildProcess {
 public:
  // kNotFound, kPermissionDenied, ... when the exec itself fails.
  static Result<ChildProcess> spawn(const ChildSpec& spec);

  // A process that has given up the right to start programs has another do it for it: from here on
  // spawn() is `starter`. Called once, while there is one thread.
  using Starter = std::function<Result<ChildProcess>(const ChildSpec&)>;
  static void spawn_through(Starter starter);
  // A child of this process that another has started for it (spawn_sibling).
  static ChildProcess adopt(pid_t pid, UniqueFd pidfd) { return {pid, std::move(pidfd)}; }

  ChildProcess() = default;
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // Readable when the process has ended.
  int pidfd() const { return pidfd_.get(); }
  Result<> signal(int signal_number);
  // Waits and reaps. With a timeout, nullopt: still running after it.
  Result<ExitStatus> wait();
  Result<std::optional<ExitStatus>> wait(std::chrono::milliseconds timeout);

 private:
  ChildProcess(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  void end() noexcept;

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  std::optional<ExitStatus> status_;
};

// A child of the caller's own parent, who waits for it and whose death it may ask to hear of.
struct SiblingProcess {
  pid_t pid = -1;
  UniqueFd pidfd;
  int exec_errno = 0;  // not 0: it could not be executed, and has ended
};
Result<SiblingProcess> spawn_sibling(const ChildSpec& spec);

}  // namespace msb::base
