// SPDX-License-Identifier: Apache-2.0
//
// Above the root by every kind of path: names, descriptors, deleted folders, mount points.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attempt.h"

static struct stat root;

static void climb(const char* from) {
  int fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    harmless(from, fd);
    return;
  }
  for (int level = 0; level < 32; ++level) {
    const int above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (above < 0) {
      break;
    }
    close(fd);
    fd = above;
  }
  struct stat here;
  holds(fstat(fd, &here) == 0 && here.st_dev == root.st_dev && here.st_ino == root.st_ino, from,
        "leads above the root");
  close(fd);
}

int main(void) {
  stat("/", &root);
  static const char* const kFolders[] = {
      "/",         "/proc",          "/proc/self/task", "/sys",          "/dev",
      "/dev/pts",  "/dev/shm",       "/attempts",       "/shared",       "/tmp",
      "/proc/sys", "/sys/fs/cgroup", "/proc/self/root", "/proc/self/cwd"};
  for (size_t i = 0; i < sizeof kFolders / sizeof kFolders[0]; ++i) {
    climb(kFolders[i]);
  }
  char path[4000] = "/tmp";
  for (size_t size = 4; size < sizeof path - 4; size += 3) {
    snprintf(path + size, sizeof path - size, "/..");
  }
  climb(path);
  // A folder that is gone still knows what was above it.
  const char* folder = scratch("gone");
  mkdir(folder, 0755);
  if (chdir(folder) == 0) {
    rmdir(folder);
    refused("a new file in a deleted folder", open("x", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    climb("..");
  }
  refused(bait("FILE"), access(bait("FILE"), F_OK));
  return verdict();
}
