// SPDX-License-Identifier: Apache-2.0
//
// Living on: daemons by every trade, which the end of the command, and of the sandbox, must reach.
// The host looks for them by this program's name.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <time.h>

#include "attempt.h"

static void live_on(void) {
  for (int number = 1; number < 65; ++number) {
    signal(number, SIG_IGN);
  }
  prctl(PR_SET_NAME, "msb-undead");
  for (int fd = 0; fd < 256; ++fd) {
    close(fd);
  }
  for (;;) {
    pause();
  }
}

int main(void) {
  for (int depth = 0; depth < 8; ++depth) {
    const pid_t child = fork();
    if (child == 0) {
      setsid();
      for (int again = 0; again < depth; ++again) {
        if (fork() != 0) {
          _exit(0);
        }
        setpgid(0, 0);
      }
      live_on();
    }
    harmless("fork", child);
  }
  // One that is traced and stopped by another, which ignores everything.
  const pid_t tracer = fork();
  if (tracer == 0) {
    setsid();
    const pid_t tracee = fork();
    if (tracee == 0) {
      ptrace(PTRACE_TRACEME, 0, 0, 0);
      raise(SIGSTOP);
      live_on();
    }
    live_on();
  }
  // One that cannot be killed while its vfork child lives.
  const pid_t waiting = fork();
  if (waiting == 0) {
    setsid();
    const pid_t child = vfork();  // NOLINT(bugprone-unsafe-functions): that is the attack
    if (child == 0) {
      for (;;) {
        pause();
      }
    }
    _exit(0);
  }
  harmless("fork", tracer);
  return verdict();
}
