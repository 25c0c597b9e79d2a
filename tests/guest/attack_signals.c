// SPDX-License-Identifier: Apache-2.0
//
// Signals: processes that do nothing but send each other all there are.
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

static void ignore(int number) {
  (void)number;
}

static void storm(void) {
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
    signal(number, ignore);
  }
  signal(SIGUSR1, ignore);
  const union sigval value = {0};
  while (goes_on()) {
    kill(0, SIGUSR1);
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
      sigqueue(getpid(), number, value);
    }
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  signal(SIGUSR1, SIG_IGN);
  setpgid(0, 0);
  in_children(8, storm);
  printf("storm over\n");
  return 0;
}
