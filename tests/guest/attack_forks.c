// SPDX-License-Identifier: Apache-2.0
//
// A fork bomb: every process makes more of itself.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

static void multiply(void) {
  while (goes_on()) {
    if (fork() == 0) {
      multiply();
      _exit(0);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  until_refused();
  signal(SIGTERM, SIG_IGN);
  int refusal = 0;
  while (goes_on()) {
    const pid_t child = fork();
    if (child == 0) {
      multiply();
      _exit(0);
    }
    if (child < 0) {
      refusal = errno;
      was_refused();
    }
  }
  while (wait(NULL) > 0) {
  }
  printf("fork: %s\n", refusal == 0 ? "never refused" : strerror(refusal));
  return 0;
}
