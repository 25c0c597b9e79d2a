// SPDX-License-Identifier: Apache-2.0
#include "attempt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

// x86's flag for calls of the x32 entry.
#define X32_BIT 0x40000000

enum { kMaxErrno = 4096, kMaxShownLines = 200 };

static unsigned tries;
static unsigned escapes;
static unsigned killed;
static unsigned led_nowhere;
static unsigned refusals[kMaxErrno];

static void say(const char* outcome, const char* what) {
  if (tries <= kMaxShownLines) {
    printf("  %-14s %s\n", outcome, what);
  }
  fflush(stdout);
}

static void escaped(const char* what, const char* how) {
  ++escapes;
  printf("ESCAPED (%s)  %s\n", how, what);
  fflush(stdout);
}

static const char* name_of(int number) {
  const char* name = strerrorname_np(number);
  return name == NULL ? "unknown errno" : name;
}

long refused(const char* what, long result) {
  const int number = errno;
  ++tries;
  if (result >= 0) {
    char how[32];
    snprintf(how, sizeof how, "answered %ld", result);
    escaped(what, how);
  } else {
    ++refusals[number > 0 && number < kMaxErrno ? number : 0];
    say(name_of(number), what);
  }
  errno = number;
  return result;
}

void holds(bool contained, const char* what, const char* detail) {
  ++tries;
  if (!contained) {
    escaped(what, detail == NULL ? "does not hold" : detail);
    return;
  }
  ++led_nowhere;
  say("holds", what);
}

void harmless(const char* what, long result) {
  const int number = errno;
  ++tries;
  if (result < 0) {
    ++refusals[number > 0 && number < kMaxErrno ? number : 0];
    say(name_of(number), what);
  } else {
    ++led_nowhere;
    say("led nowhere", what);
  }
}

static long by_32bit_entry(long number, const long args[4]) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(args[0]), "c"(args[1]), "d"(args[2]), "S"(args[3])
                   : "memory", "r8", "r9", "r10", "r11");
  return (int)result;
}

// Judges a child that tried a call by another entry. It answers 0 when the call worked, 1 when it
// was refused, or is killed for it.
static void judge_entry(const char* what, const char* entry, pid_t child) {
  char text[160];
  int status = 0;
  snprintf(text, sizeof text, "%s by the %s entry", what, entry);
  ++tries;
  if (child < 0 || waitpid(child, &status, 0) < 0) {
    escaped(text, "could not be tried");
  } else if (WIFSIGNALED(status)) {
    ++killed;
    say(WTERMSIG(status) == SIGSYS ? "killed" : "crashed", text);
  } else if (WEXITSTATUS(status) == 0) {
    escaped(text, "worked");
  } else {
    ++refusals[WEXITSTATUS(status)];
    say(name_of(WEXITSTATUS(status)), text);
  }
}

void refused_by_other_entries(const char* what, long number64, long number32, const long args[4]) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    const long result = by_32bit_entry(number32, args);
    _exit(result < 0 ? (int)-result & 255 : 0);
  }
  judge_entry(what, "32-bit", child);
  child = fork();
  if (child == 0) {
    const long result = syscall(number64 | X32_BIT, args[0], args[1], args[2], args[3]);
    _exit(result < 0 ? errno & 255 : 0);
  }
  judge_entry(what, "x32", child);
}

void refused_to_write(const char* path) {
  static const int kFlags[] = {O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_WRONLY | O_TRUNC};
  for (size_t i = 0; i < sizeof kFlags / sizeof kFlags[0]; ++i) {
    char what[512];
    snprintf(what, sizeof what, "open(%s, %#x)", path, (unsigned)kFlags[i]);
    // Without O_CREAT: a file that is not there is no way out.
    const int fd = open(path, kFlags[i] | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0) {
      struct stat status;
      // /dev/null stands where a file of /proc is covered.
      if (fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == 0x103) {
        holds(true, what, NULL);
        close(fd);
        continue;
      }
    }
    if (refused(what, fd) >= 0) {
      close(fd);
    }
  }
}

void refused_to_read(const char* path) {
  char byte[16];
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    refused(path, fd);
    return;
  }
  const ssize_t size = read(fd, byte, sizeof byte);
  if (size < 0) {
    refused(path, size);
  } else {
    holds(size == 0, path, "has bytes");
  }
  close(fd);
}

void in_child(const char* what, int (*attempt)(void)) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    _exit(attempt());
  }
  int status = 0;
  ++tries;
  if (child < 0 || waitpid(child, &status, 0) < 0) {
    escaped(what, "could not be tried");
  } else if (WIFSIGNALED(status)) {
    ++killed;
    say("killed", what);
  } else if (WEXITSTATUS(status) == 0) {
    ++led_nowhere;
    say("holds", what);
  } else {
    escaped(what, "the child says so");
  }
}

const char* bait(const char* name) {
  char key[64];
  snprintf(key, sizeof key, "MSB_BAIT_%s", name);
  const char* value = getenv(key);
  return value == NULL ? "" : value;
}

long bait_number(const char* name) {
  const char* text = bait(name);
  return *text == '\0' ? -1 : strtol(text, NULL, 10);
}

const char* scratch(const char* name) {
  static char paths[8][128];
  static unsigned next;
  char* path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "/tmp/%s.%d", name, getpid());
  return path;
}

long read_text(const char* path, char* text, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return -1;
  }
  size_t have = 0;
  for (ssize_t got; have < size - 1 && (got = read(fd, text + have, size - 1 - have)) > 0;) {
    have += (size_t)got;
  }
  text[have] = '\0';
  close(fd);
  return (long)have;
}

long elapsed_ms(void) {
  static struct timespec begin;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (begin.tv_sec == 0) {
    begin = now;
  }
  return (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000;
}

int verdict(void) {
  if (tries == 0) {
    printf("nothing was tried\n");
    return 2;
  }
  printf("%u %s", tries, tries == 1 ? "try:" : "tries:");
  const char* separator = " ";
  if (escapes > 0) {
    printf("%s%u ESCAPED", separator, escapes);
    separator = ", ";
  }
  for (int number = 0; number < kMaxErrno; ++number) {
    if (refusals[number] > 0) {
      printf("%s%u %s", separator, refusals[number], name_of(number));
      separator = ", ";
    }
  }
  if (killed > 0) {
    printf("%s%u killed", separator, killed);
    separator = ", ";
  }
  if (led_nowhere > 0) {
    printf("%s%u led nowhere", separator, led_nowhere);
  }
  printf("\n");
  fflush(stdout);
  return escapes > 0 ? 1 : 0;
}
