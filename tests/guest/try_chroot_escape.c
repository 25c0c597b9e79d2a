// SPDX-License-Identifier: Apache-2.0
//
// The oldest way out: a root below the working directory, then up.
#include <fcntl.h>
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  struct stat root;
  struct stat above;
  const char* folder = scratch("root");
  stat("/", &root);
  mkdir(folder, 0755);
  const int outside = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REFUSED(chroot(folder));
  OTHER_ENTRIES(chroot, 61, (long)"/tmp", 0, 0, 0);
  harmless("fchdir", fchdir(outside));
  for (int i = 0; i < 1000; ++i) {
    if (chdir("..") != 0) {
      break;
    }
  }
  stat(".", &above);
  holds(root.st_dev == above.st_dev && root.st_ino == above.st_ino, "above / is /", NULL);
  REFUSED(chroot("."));
  REFUSED(chroot("/proc/1/root"));
  REFUSED(chroot("/proc/self/root"));
  rmdir(folder);
  return verdict();
}
