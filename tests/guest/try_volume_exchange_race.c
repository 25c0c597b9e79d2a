// SPDX-License-Identifier: Apache-2.0
//
// A name in a shared folder that is now a file, now a link to the host: whoever checks first and
// opens then is led out.
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attempt.h"

enum { kRaceMs = 700 };
static char file[64], trap[64];
static atomic_bool over;

static void* exchange(void* unused) {
  (void)unused;
  while (!atomic_load(&over)) {
    syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, trap, 2 /* RENAME_EXCHANGE */);
  }
  return NULL;
}

int main(void) {
  snprintf(file, sizeof file, "/shared/file%d", getpid());
  snprintf(trap, sizeof trap, "/shared/trap%d", getpid());
  const int made = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  holds(write(made, "ours\n", 5) == 5, "a file of ours", NULL);
  close(made);
  harmless("symlink", symlink(bait("FILE"), trap));
  pthread_t racer;
  pthread_create(&racer, NULL, exchange, NULL);
  bool escaped = false;
  unsigned long opens = 0;
  while (elapsed_ms() < kRaceMs) {
    const int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
      char text[8] = "";
      ++opens;
      escaped = escaped || read(fd, text, 5) != 5 || memcmp(text, "ours\n", 5) != 0;
      close(fd);
    }
    const int link_itself = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (link_itself >= 0) {
      close(link_itself);
    }
  }
  atomic_store(&over, true);
  pthread_join(racer, NULL);
  holds(!escaped, "only our own file was opened", NULL);
  harmless("opens", opens > 0 ? 0 : -1);
  unlink(file);
  unlink(trap);
  return verdict();
}
