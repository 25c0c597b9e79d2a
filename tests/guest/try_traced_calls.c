// SPDX-License-Identifier: Apache-2.0
//
// A tracer changes a harmless call into a forbidden one after the filter has seen it: since Linux
// 4.8 the filter looks again.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "attempt.h"

static void become(const char* what, unsigned long number, unsigned long first) {
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    errno = 0;
    const long result = syscall(SYS_getppid);
    _exit(result == 0 ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  long result = -1;
  for (int stops = 0; stops < 64; ++stops) {
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) {
      break;
    }
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    if (registers.orig_rax == SYS_getppid && (long)registers.rax == -ENOSYS) {
      registers.orig_rax = number;
      registers.rdi = first;
      ptrace(PTRACE_SETREGS, child, 0, &registers);
      ptrace(PTRACE_SYSCALL, child, 0, 0);
      waitpid(child, &status, 0);
      ptrace(PTRACE_GETREGS, child, 0, &registers);
      result = (long)registers.rax;
      break;
    }
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  errno = result < 0 ? (int)-result : 0;
  refused(what, result < 0 ? -1 : result);
}

int main(void) {
  become("unshare(NEWUSER) by a tracer", SYS_unshare, 0x10000000);
  become("bpf() by a tracer", SYS_bpf, 0);
  become("keyctl() by a tracer", SYS_keyctl, 0);
  become("io_uring_setup() by a tracer", SYS_io_uring_setup, 8);
  become("userfaultfd() by a tracer", SYS_userfaultfd, 0);
  return verdict();
}
