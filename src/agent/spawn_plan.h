// SPDX-License-Identifier: Apache-2.0
//
// All that a process of the guest is started with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/environment.h"
#include "agent/users.h"
#include "base/try.h"
#include "wire/messages.h"

namespace msb::agent {

inline constexpr int kExtraFd = 3;

struct SpawnPlan {
  std::vector<std::string> candidates;  // executables, tried in order as execvp does
  std::vector<std::string> argv;
  Environment env;
  std::string workdir;
  Identity identity;
  int stdin_fd = -1;  // -1: /dev/null
  int stdout_fd = -1;
  int stderr_fd = -1;
  int extra_fd = -1;                  // becomes kExtraFd
  bool controlling_terminal = false;  // stdin_fd is a terminal, to be the session's
  std::uint64_t mark = 0;             // see mark.h
};

// The part that follows from the configuration and what a request changes of it: `user` and
// `workdir` replace (unless empty), `env` adds. HOME and PATH get a value if they have none.
struct Overrides {
  std::string user;
  std::string workdir;
  std::vector<std::string> env;
};
Result<SpawnPlan> plan_process(const wire::Configure& settings, const Overrides& overrides);

}  // namespace msb::agent
