// SPDX-License-Identifier: Apache-2.0
//
// Every family of sockets there is a number for, but the four that programs need.
#include <stdio.h>
#include <sys/socket.h>

#include "attempt.h"

int main(void) {
  static int pair[2];
  for (int family = 0; family < 64; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) {
      continue;
    }
    for (int type = SOCK_STREAM; type <= SOCK_PACKET; ++type) {
      char what[48];
      snprintf(what, sizeof what, "socket(%d, %d)", family, type);
      refused(what, socket(family, type, 0));
      refused(what, socketpair(family, type, 0, pair));
    }
  }
  // The older entry for sockets of 32-bit programs.
  static long arguments[3] = {AF_PACKET, SOCK_RAW, 0x300};
  refused_by_other_entries("socketcall", SYS_socket, 102,
                           (const long[4]){1, (long)arguments, 0, 0});
  return verdict();
}
