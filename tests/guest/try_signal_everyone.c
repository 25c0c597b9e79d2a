// SPDX-License-Identifier: Apache-2.0
//
// A signal to everyone, and to every number there could be: all of them are the sandbox's own.
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "attempt.h"

int main(void) {
  enum { kNumbers = 70000 };
  int alive = 0;
  for (pid_t pid = 1; pid < kNumbers; ++pid) {
    if (kill(pid, 0) == 0 || errno != ESRCH) {
      ++alive;
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/status", pid);
      char text[64];
      // Threads answer kill() by their own numbers but are not listed; both have a status here.
      holds(read_text(path, text, sizeof text) > 0 || kill(pid, 0) != 0,
            "who answers a signal is in this /proc", path);
    }
  }
  holds(alive > 0 && alive < 100, "few processes answer", NULL);
  harmless("kill(-1, SIGKILL)", kill(-1, SIGKILL));
  REFUSED(kill(1, SIGKILL) == 0 && kill(1, 0) != 0 ? 0 : -1);
  harmless("kill(1, SIGSTOP)", kill(1, SIGSTOP));
  harmless("kill(1, SIGSEGV)", kill(1, SIGSEGV));
  char status[256];
  holds(read_text("/proc/1/status", status, sizeof status) > 0, "the agent is still there", NULL);
  return verdict();
}
