// SPDX-License-Identifier: Apache-2.0
#include "attack.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long end_us;

static long long now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void begin_attack(int argc, char** argv) {
  const long ms = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
  end_us = now_us() + ms * 1000LL;
}

bool goes_on(void) {
  return now_us() < end_us;
}

static pid_t start(void (*attack)(void)) {
  const pid_t child = fork();
  if (child == 0) {
    attack();
    _exit(0);
  }
  return child;
}

unsigned in_children(unsigned count, void (*attack)(void)) {
  unsigned killed = 0;
  unsigned running = 0;
  for (unsigned i = 0; i < count; ++i) {
    running += start(attack) > 0;
  }
  while (running > 0) {
    int status = 0;
    if (wait(&status) < 0) {
      break;
    }
    --running;
    killed += WIFSIGNALED(status) ? 1 : 0;
    if (WIFSIGNALED(status) && goes_on()) {
      running += start(attack) > 0;
    }
  }
  return killed;
}
