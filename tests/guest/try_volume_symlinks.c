// SPDX-License-Identifier: Apache-2.0
//
// Links in a shared folder that point at the host: absolute, upward, through /proc, to themselves.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  const char* file = bait("FILE");
  char upward[512];
  snprintf(upward, sizeof upward, "../../../../../../../..%s", file);
  const char* targets[] = {file, upward, "/proc/self/root/../..", "/proc/1/root", "/proc/1/cwd"};
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/shared/link%zu-%d", i, getpid());
    if (symlink(targets[i], path) != 0) {
      harmless("symlink", -1);
      continue;
    }
    struct stat root;
    struct stat seen;
    stat("/", &root);
    if (i < 2 || stat(path, &seen) != 0) {
      refused(targets[i], open(path, O_RDONLY | O_CLOEXEC));
      refused(targets[i], open(path, O_WRONLY | O_TRUNC | O_CLOEXEC));
      refused(targets[i], rename(path, "/tmp/moved"));
    } else {
      holds(seen.st_ino == root.st_ino && seen.st_dev == root.st_dev, targets[i],
            "is not the sandbox's own root");
    }
    unlink(path);
  }
  refused(file, open(file, O_RDONLY | O_CLOEXEC));
  return verdict();
}
