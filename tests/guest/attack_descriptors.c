// SPDX-License-Identifier: Apache-2.0
//
// Open files, of every kind that costs the kernel memory, until there are no more.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

static volatile int* refusal;  // shared with the children

static void open_all(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  while (goes_on()) {
    const int made[] = {open("/dev/null", O_RDONLY | O_CLOEXEC), eventfd(0, EFD_CLOEXEC),
                        epoll_create1(EPOLL_CLOEXEC),
                        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (made[3] < 0) {
      *refusal = errno;
      was_refused();
      close_range(3, ~0u, 0);
    }
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  until_refused();
  refusal = mmap(NULL, sizeof *refusal, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (refusal == MAP_FAILED) {
    return 1;
  }
  const unsigned killed = in_children(4, open_all);
  printf("%u killed: %s\n", killed, *refusal == 0 ? "never refused" : strerror(*refusal));
  return 0;
}
