// SPDX-License-Identifier: Apache-2.0
//
// msb-agent: the program inside a sandbox.
//
//   msb-agent                     in a jail; the stream to the host is descriptor 3
//   msb-agent --confine | --confine-with-volumes [--stdin]
//                                 beneath an OCI runtime: first gives up what a jail has given up
//                                 before it executes the agent; the stream is descriptor 3 or 0
#include <fcntl.h>
#include <unistd.h>

#include <span>
#include <string_view>
#include <utility>

#include "agent/init.h"
#include "base/sys.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/jail/landlock.h"
#include "isolation/jail/system_calls.h"

namespace {

using msb::Result;
using msb::base::UniqueFd;
using msb::isolation::jail::SetIdBits;

constexpr int kStreamFd = 3;

Result<> confine(std::string_view option) {
  TRY(msb::isolation::jail::restrict_by_landlock());
  return msb::isolation::jail::restrict_system_calls(
      option == "--confine-with-volumes" ? SetIdBits::kRefused : SetIdBits::kMeaningless);
}

// Lets go of what else the runtime has handed on as standard descriptors.
Result<UniqueFd> take_stream(bool is_stdin) {
  if (is_stdin && ::dup2(STDIN_FILENO, kStreamFd) < 0) {
    return std::unexpected(msb::base::sys::error("dup2"));
  }
  for (int fd = 0; fd < kStreamFd; ++fd) {
    ::close(fd);
  }
  return UniqueFd(kStreamFd);
}

int run_beneath_runtime(std::span<char*> options) {
  const bool is_stdin = options.size() > 1 && std::string_view(options[1]) == "--stdin";
  auto stream = take_stream(is_stdin);
  return stream && confine(options[0]) ? msb::agent::run(*std::move(stream)) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return argc > 1 ? run_beneath_runtime(std::span(argv + 1, static_cast<std::size_t>(argc - 1)))
                  : msb::agent::run(UniqueFd(kStreamFd));
}
