// SPDX-License-Identifier: Apache-2.0
//
// Every number of the 32-bit and the x32 entry, whose calls mean other things than ours: one is
// enough to die of.
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "attempt.h"

static int entry32(int number) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"((long)number), "b"(-1L), "c"(0L) : "memory");
  return result == -ENOSYS ? 0 : 1;
}

int main(void) {
  enum { kNumbers = 470 };
  unsigned killed = 0;
  unsigned answered = 0;
  for (int number = 0; number < kNumbers; ++number) {
    for (int entry = 0; entry < 2; ++entry) {
      const pid_t child = fork();
      if (child == 0) {
        if (entry == 0) {
          _exit(entry32(number));
        }
        const long result = syscall(0x40000000 | number, -1, 0, 0, 0, 0, 0);
        _exit(result == -1 && errno == ENOSYS ? 0 : 1);
      }
      int status = 0;
      waitpid(child, &status, 0);
      if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        ++killed;
      } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        ++answered;
      }
    }
  }
  char text[64];
  snprintf(text, sizeof text, "%u killed, %u answered", killed, answered);
  holds(answered == 0, "no call of another entry is served", text);
  holds(killed > 0, "its caller is killed", text);
  return verdict();
}
