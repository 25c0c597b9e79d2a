// SPDX-License-Identifier: Apache-2.0
#include "attack.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
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

// Shared with all children.
static volatile bool* wants_refusal;

void until_refused(void) {
  enum { kPageBytes = 4096 };
  void* const page =
      mmap(NULL, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) {
    wants_refusal = page;
    *wants_refusal = true;
  }
}

void was_refused(void) {
  if (wants_refusal != NULL) {
    *wants_refusal = false;
  }
}

bool goes_on(void) {
  enum { kPatienceUs = 20000000 };
  const long long now = now_us();
  return now < end_us || (wants_refusal != NULL && *wants_refusal && now < end_us + kPatienceUs);
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
    if (WIFSIGNALED(status)) {
      ++killed;
      was_refused();
    }
    if (WIFSIGNALED(status) && goes_on()) {
      running += start(attack) > 0;
    }
  }
  return killed;
}
