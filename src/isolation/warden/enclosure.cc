// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/enclosure.h"

#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/sys.h"
#include "isolation/warden/restraint.h"

namespace msb::isolation::warden {

namespace sys = base::sys;

Result<int> run_enclosed(const std::function<int(base::UniqueFd keeper)>& body) {
  base::UniqueFd keeper = TRY(sys::pidfd_open(::getpid()));
  clone_args args{};
  args.flags = CLONE_NEWPID;
  args.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) {
    return std::unexpected(sys::no_more_processes(errno, "clone3(CLONE_NEWPID)"));
  }
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    pollfd state{keeper.get(), POLLIN, 0};
    if (::poll(&state, 1, 0) != 0) {
      ::_exit(1);  // the keeper died before the prctl
    }
    ::_exit(body(std::move(keeper)));
  }
  // It must not hold a socket or a file open that others take for a sign of life.
  ::close_range(0, ~0u, 0);
  [[maybe_unused]] const auto restrained = restrain_keeper();  // there is nobody left to tell
  int status = 0;
  while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace msb::isolation::warden
