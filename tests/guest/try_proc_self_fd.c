// SPDX-License-Identifier: Apache-2.0
//
// A descriptor opened again with more rights than it has: read-only files, pipes of the agent,
// the running program.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attempt.h"

static void reopen(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    harmless(path, fd);
    return;
  }
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  refused(path, open(link, O_WRONLY | O_CLOEXEC));
  refused(path, open(link, O_RDWR | O_CLOEXEC));
  refused(path, open(link, O_WRONLY | O_TRUNC | O_CLOEXEC));
  refused(path, truncate(link, 0));
  close(fd);
}

int main(int argc, char** argv) {
  (void)argc;
  reopen("/proc/self/exe");
  reopen(argv[0]);
  reopen("/attempts/try_setns");
  reopen("/proc/sys/kernel/core_pattern");
  reopen("/sys/devices/system/cpu/online");
  refused_to_write("/proc/self/exe");
  refused_to_write("/proc/1/exe");
  // Of an O_PATH descriptor of a folder, what is above it.
  struct stat root;
  struct stat seen;
  stat("/", &root);
  const int folder = open("/", O_PATH | O_CLOEXEC);
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d/../../..", folder);
  holds(stat(link, &seen) == 0 && seen.st_ino == root.st_ino && seen.st_dev == root.st_dev,
        "above the root is the root", NULL);
  holds(stat("/proc/self/root/..", &seen) == 0 && seen.st_ino == root.st_ino, "/proc/self/root",
        NULL);
  return verdict();
}
