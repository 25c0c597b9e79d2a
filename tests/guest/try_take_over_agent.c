// SPDX-License-Identifier: Apache-2.0
//
// The agent is PID 1 and speaks to the host: tracing it, writing its memory, taking its
// descriptors.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "attempt.h"

int main(void) {
  static char buffer[8192];
  REFUSED(ptrace(PTRACE_ATTACH, 1, 0, 0));
  REFUSED(ptrace(PTRACE_SEIZE, 1, 0, PTRACE_O_EXITKILL));
  OTHER_ENTRIES(ptrace, 26, PTRACE_ATTACH, 1, 0, 0);
  // Any address will do: this program's own stands for the agent's.
  static char* const kAddresses[] = {buffer, buffer + 4096};
  for (size_t i = 0; i < 2; ++i) {
    struct iovec local = {buffer, 64};
    struct iovec remote = {kAddresses[i], 64};
    REFUSED(process_vm_readv(1, &local, 1, &remote, 1, 0));
    REFUSED(process_vm_writev(1, &local, 1, &remote, 1, 0));
  }
  const long agent = syscall(SYS_pidfd_open, 1, 0);
  for (int fd = 0; agent >= 0 && fd < 32; ++fd) {
    REFUSED(syscall(SYS_pidfd_getfd, agent, fd, 0));
  }
  static const char* const kFiles[] = {
      "/proc/1/mem",         "/proc/1/environ",   "/proc/1/maps",  "/proc/1/auxv",
      "/proc/1/smaps",       "/proc/1/pagemap",   "/proc/1/stack", "/proc/1/syscall",
      "/proc/1/personality", "/proc/1/task/1/mem"};
  for (size_t i = 0; i < sizeof kFiles / sizeof kFiles[0]; ++i) {
    refused_to_read(kFiles[i]);
  }
  refused_to_write("/proc/1/mem");
  static const char* const kSettings[] = {"/proc/1/clear_refs", "/proc/1/comm",
                                          "/proc/1/coredump_filter", "/proc/1/sched",
                                          "/proc/1/oom_score_adj"};
  for (size_t i = 0; i < sizeof kSettings / sizeof kSettings[0]; ++i) {
    // The sandbox's root owns these of its own PID 1; they rename it or count it, no more.
    harmless(kSettings[i], open(kSettings[i], O_WRONLY | O_CLOEXEC));
  }
  static const char* const kLinks[] = {"/proc/1/exe", "/proc/1/cwd", "/proc/1/root", "/proc/1/fd/3",
                                       "/proc/1/map_files/400000-401000"};
  for (size_t i = 0; i < sizeof kLinks / sizeof kLinks[0]; ++i) {
    refused(kLinks[i], readlink(kLinks[i], buffer, sizeof buffer));
    refused(kLinks[i], open(kLinks[i], O_RDONLY | O_CLOEXEC));
    refused(kLinks[i], open(kLinks[i], O_PATH | O_CLOEXEC));
  }
  return verdict();
}
