// SPDX-License-Identifier: Apache-2.0
//
// Tracing, reading and stopping a process of the host by its number there, and by every number that
// is not one of the sandbox's own.
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "attempt.h"

static void attack(long pid) {
  static char buffer[64];
  struct iovec local = {buffer, sizeof buffer};
  struct iovec remote = {(void*)0x400000, sizeof buffer};
  REFUSED(ptrace(PTRACE_ATTACH, pid, 0, 0));
  REFUSED(ptrace(PTRACE_SEIZE, pid, 0, 0));
  REFUSED(ptrace(PTRACE_PEEKDATA, pid, 0x400000, 0));
  OTHER_ENTRIES(ptrace, 26, PTRACE_ATTACH, pid, 0, 0);
  REFUSED(process_vm_readv((pid_t)pid, &local, 1, &remote, 1, 0));
  REFUSED(process_vm_writev((pid_t)pid, &local, 1, &remote, 1, 0));
  REFUSED(kill((pid_t)pid, SIGKILL));
  REFUSED(syscall(SYS_tkill, pid, SIGKILL));
  REFUSED(syscall(SYS_tgkill, pid, pid, SIGKILL));
  REFUSED(syscall(SYS_pidfd_open, pid, 0));
  siginfo_t info = {.si_signo = SIGKILL, .si_code = SI_QUEUE};
  REFUSED(syscall(SYS_rt_sigqueueinfo, pid, SIGKILL, &info));
  REFUSED(syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
  REFUSED(syscall(SYS_migrate_pages, pid, 64, buffer, buffer));
  REFUSED(syscall(SYS_move_pages, pid, 0, 0, 0, 0, 0));
  char path[64];
  static const char* const kFiles[] = {"mem", "environ", "root", "cwd", "exe", "maps", "ns/user"};
  for (size_t i = 0; i < sizeof kFiles / sizeof kFiles[0]; ++i) {
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, kFiles[i]);
    refused(path, access(path, F_OK));
  }
}

int main(void) {
  attack(bait_number("PID"));
  attack(bait_number("NEIGHBOUR_PID"));
  // 0 is what a parent outside looks like from here.
  char status[4096];
  if (read_text("/proc/1/status", status, sizeof status) > 0) {
    int parent = -1;
    for (const char* line = status; line != NULL && *line != '\0';) {
      if (sscanf(line, "PPid: %d", &parent) == 1) {
        break;
      }
      const char* end = line;
      while (*end != '\0' && *end != '\n') {
        ++end;
      }
      line = *end == '\0' ? NULL : end + 1;
    }
    holds(parent == 0, "the first process's parent has no number here", NULL);
  }
  return verdict();
}
