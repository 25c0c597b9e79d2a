// SPDX-License-Identifier: Apache-2.0
//
// IP packets of our own making.
#include <netinet/in.h>
#include <sys/socket.h>

#include "attempt.h"

int main(void) {
  static const int kProtocols[] = {IPPROTO_RAW, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP,
                                   IPPROTO_GRE};
  for (size_t i = 0; i < sizeof kProtocols / sizeof kProtocols[0]; ++i) {
    REFUSED(socket(AF_INET, SOCK_RAW, kProtocols[i]));
    REFUSED(socket(AF_INET6, SOCK_RAW, kProtocols[i]));
  }
  OTHER_ENTRIES(socket, 359, AF_INET, SOCK_RAW, IPPROTO_RAW, 0);
  // What needs power over the network of a socket that may be had.
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  REFUSED(setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof on));
  REFUSED(setsockopt(fd, SOL_SOCKET, SO_MARK, &on, sizeof on));
  REFUSED(setsockopt(fd, SOL_SOCKET, 33 /* SO_RCVBUFFORCE */, &on, sizeof on));
  REFUSED(setsockopt(fd, SOL_SOCKET, SO_DEBUG, &on, sizeof on));
  static char rules[512];
  REFUSED(setsockopt(fd, SOL_IP, 64 /* IPT_SO_SET_REPLACE */, rules, sizeof rules));
  return verdict();
}
