// SPDX-License-Identifier: Apache-2.0
//
// Frames of the network beneath IP.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include "attempt.h"

int main(void) {
  static const int kTypes[] = {SOCK_RAW, SOCK_DGRAM, SOCK_PACKET};
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
    REFUSED(socket(AF_PACKET, kTypes[i], htons(ETH_P_ALL)));
    REFUSED(syscall(SYS_socket, AF_PACKET | 1L << 32, kTypes[i], htons(ETH_P_ALL)));
    REFUSED(socket(AF_INET, kTypes[i] == SOCK_DGRAM ? SOCK_PACKET : kTypes[i], 0x300));
  }
  static int pair[2];
  REFUSED(socketpair(AF_PACKET, SOCK_RAW, 0, pair));
  OTHER_ENTRIES(socket, 359, AF_PACKET, SOCK_RAW, 0x300, 0);
  REFUSED(socket(44 /* AF_XDP */, SOCK_RAW, 0));
  return verdict();
}
