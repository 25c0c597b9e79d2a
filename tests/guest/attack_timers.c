// SPDX-License-Identifier: Apache-2.0
//
// Timers that expire as fast as they may, by the hundred: signals, descriptors, interval timers.
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"

static volatile unsigned long expired;

static void count(int number) {
  (void)number;
  ++expired;
}

static void arm(void) {
  signal(SIGALRM, count);
  signal(SIGRTMIN, count);
  const struct itimerval fast = {{0, 1}, {0, 1}};
  setitimer(ITIMER_REAL, &fast, NULL);
  const struct itimerspec often = {{0, 50000}, {0, 50000}};
  for (int i = 0; i < 400; ++i) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
      timer_settime(timer, 0, &often, NULL);
    }
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0) {
      timerfd_settime(fd, 0, &often, NULL);
    }
  }
  while (goes_on()) {
    pause();
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  // The children may be too busy with their signals to see that the time is over.
  pid_t children[4];
  for (int i = 0; i < 4; ++i) {
    children[i] = fork();
    if (children[i] == 0) {
      arm();
      _exit(0);
    }
  }
  while (goes_on()) {
    usleep(1000);
  }
  for (int i = 0; i < 4; ++i) {
    kill(children[i], SIGKILL);
    waitpid(children[i], NULL, 0);
  }
  printf("armed\n");
  return 0;
}
