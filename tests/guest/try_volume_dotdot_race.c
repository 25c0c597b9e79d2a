// SPDX-License-Identifier: Apache-2.0
//
// Above a shared folder: a folder in it is moved about while another thread climbs out of it.
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attempt.h"

enum { kRaceMs = 700 };
static char deep[64], shallow[64], inner[80];
static atomic_bool over;

static void* move_about(void* unused) {
  (void)unused;
  while (!atomic_load(&over)) {
    rename(inner, shallow);
    rename(shallow, inner);
  }
  return NULL;
}

int main(void) {
  snprintf(deep, sizeof deep, "/shared/deep%d", getpid());
  snprintf(shallow, sizeof shallow, "/shared/shallow%d", getpid());
  snprintf(inner, sizeof inner, "%s/inner", deep);
  mkdir(deep, 0777);
  mkdir(inner, 0777);
  struct stat root;
  stat("/", &root);
  pthread_t mover;
  pthread_create(&mover, NULL, move_about, NULL);
  unsigned long climbs = 0;
  bool outside = false;
  while (elapsed_ms() < kRaceMs) {
    int fd = open(inner, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      fd = open(shallow, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    // Up to where there is nothing above: that has to be the sandbox's root.
    struct stat here;
    for (int level = 0; fd >= 0 && level < 8; ++level) {
      const int above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
      close(fd);
      fd = above;
    }
    if (fd >= 0) {
      ++climbs;
      if (fstat(fd, &here) == 0 && (here.st_dev != root.st_dev || here.st_ino != root.st_ino)) {
        outside = true;
      }
      close(fd);
    }
  }
  atomic_store(&over, true);
  pthread_join(mover, NULL);
  holds(!outside, "every climb ends at the root", NULL);
  holds(climbs > 0, "there was a climb", NULL);
  rmdir(inner);
  rmdir(shallow);
  rmdir(deep);
  return verdict();
}
