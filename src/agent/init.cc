// SPDX-License-Identifier: Apache-2.0
#include "agent/init.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <utility>

#include "agent/mark.h"
#include "agent/session.h"
#include "agent/spawn.h"
#include "base/sys.h"

namespace msb::agent {
namespace {

bool is_init() {
  return ::getpid() == 1;
}

// Descriptors 0 to 2 are what guests inherit, so they are never anything else than /dev/null.
void occupy_stdio() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) {
    fd = ::open("/dev/null", O_RDWR);
  }
  if (fd > STDERR_FILENO) {
    ::close(fd);
  }
}

void set_up_signals() {
  // Ignored signals stay ignored across exec; nothing the agent inherited goes on to a guest.
  for (int number = 1; number < NSIG; ++number) {
    ::signal(number, SIG_DFL);
  }
  // 32 and 33 are the C library's own, and it refuses to name them; ignored, they would break the
  // threads of every guest.
  constexpr std::size_t kSetBytes = 8;
  const std::array<unsigned long, 4> by_default{};  // the kernel's struct: handler, flags, ...
  for (const int number : {32, 33}) {
    ::syscall(SYS_rt_sigaction, number, by_default.data(), nullptr, kSetBytes);
  }
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

}  // namespace

int run(base::UniqueFd stream) {
  occupy_stdio();
  set_up_signals();
  ::umask(022);
  ::fcntl(stream.get(), F_SETFD, FD_CLOEXEC);
  if (is_init()) {
    // A guest without privilege over the agent's namespace cannot trace it or read its memory.
    ::prctl(PR_SET_DUMPABLE, 0);
    // Executed from a memfd, it would be listed as "memfd:msb-agent".
    ::prctl(PR_SET_NAME, "msb-agent");
  } else {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  use_all_descriptors();

  Result<> served;
  {
    auto session = Session::create(std::move(stream));
    served = session ? (*session)->serve() : std::unexpected(session.error());
    if (is_init()) {
      // The kernel ends the rest of the pid namespace faster than the session could.
      ::_exit(served ? 0 : 1);
    }
  }
  kill_all_marked();
  return served ? 0 : 1;
}

}  // namespace msb::agent
