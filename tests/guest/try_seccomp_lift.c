// SPDX-License-Identifier: Apache-2.0
//
// Off with the filter: by prctl, by a tracer's option, by a supervisor that answers for the kernel.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "attempt.h"

// A filter that allows all cannot undo one that does not.
static int allow_all(void) {
  static struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  static struct sock_fprog program = {1, allow};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return 0;
  }
  return mount("none", "/tmp", "tmpfs", 0, NULL) == 0 ? 1 : 0;
}

// A supervisor says "go on" to a call that the outer filter refuses.
static int user_notification(void) {
  static struct sock_filter ask[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  static struct sock_fprog program = {4, ask};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    return 0;
  }
  return syscall(SYS_unshare, 0x10000000) == 0 ? 1 : 0;
}

int main(void) {
  REFUSED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_DISABLED, 0, 0, 0));
  REFUSED(syscall(SYS_seccomp, 99, 0, 0));
  in_child("a filter that allows all", allow_all);
  in_child("a filter that asks", user_notification);
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(mount("none", "/tmp", "tmpfs", 0, NULL) == 0 ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REFUSED(ptrace(PTRACE_SETOPTIONS, child, 0, 1 << 21 /* O_SUSPEND_SECCOMP */));
  REFUSED(ptrace(PTRACE_SECCOMP_GET_FILTER, child, 0, 0));
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  holds(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a tracee stays filtered", NULL);
  return verdict();
}
