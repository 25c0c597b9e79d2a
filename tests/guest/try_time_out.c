// SPDX-License-Identifier: Apache-2.0
//
// Outliving a time limit: every signal ignored, the process stopped, its children in sessions of
// their own.
#include <signal.h>

#include "attempt.h"

int main(void) {
  for (int number = 1; number < 65; ++number) {
    signal(number, SIG_IGN);
  }
  for (int i = 0; i < 4; ++i) {
    if (fork() == 0) {
      setsid();
      raise(SIGSTOP);
      for (;;) {
        pause();
      }
    }
  }
  for (;;) {
    pause();
  }
}
