// SPDX-License-Identifier: Apache-2.0
#include "agent/children.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <array>
#include <utility>

#include "base/sys.h"

namespace msb::agent {

Result<std::unique_ptr<Children>> Children::create(EventLoop& loop) {
  std::unique_ptr<Children> children(new Children);
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  children->signals_.reset(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!children->signals_) {
    return std::unexpected(base::sys::error("signalfd"));
  }
  children->watch_ = TRY(loop.watch(children->signals_.get(), EPOLLIN,
                                    [raw = children.get()](std::uint32_t) { raw->reap(); }));
  return children;
}

void Children::reap() {
  // One signal may stand for many children: the count that matters is waitpid's.
  std::array<std::byte, sizeof(signalfd_siginfo)> info;
  static_cast<void>(base::sys::read(signals_.get(), info));
  int status = 0;
  while (const pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
    if (pid < 0) {
      break;
    }
    const auto found = handlers_.find(pid);
    if (found != handlers_.end()) {
      const ExitHandler handler = std::move(found->second);
      handlers_.erase(found);
      handler(status);
    }
  }
}

}  // namespace msb::agent
