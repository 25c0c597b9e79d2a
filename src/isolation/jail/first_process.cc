// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/first_process.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/sys.h"

namespace msb::isolation::jail {

Result<FirstProcess> clone_first_process(const base::UniqueFd& birth_folder) {
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_NEWPID | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (birth_folder) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<__u64>(birth_folder.get());
  }
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) {
    return std::unexpected(base::sys::no_more_processes(errno, "clone3"));
  }
  return FirstProcess{static_cast<pid_t>(pid), base::UniqueFd(pid == 0 ? -1 : pidfd)};
}

}  // namespace msb::isolation::jail
