// SPDX-License-Identifier: Apache-2.0
//
// The socket between virtual machines and their host.
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include "attempt.h"

int main(void) {
  static int pair[2];
  static const int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
    REFUSED(socket(AF_VSOCK, kTypes[i], 0));
    REFUSED(socketpair(AF_VSOCK, kTypes[i], 0, pair));
    REFUSED(syscall(SYS_socket, AF_VSOCK | 1L << 32, kTypes[i], 0));
    REFUSED(syscall(SYS_socketpair, AF_VSOCK | 1L << 32, kTypes[i], 0, pair));
  }
  REFUSED(open("/dev/vsock", O_RDONLY | O_CLOEXEC));
  REFUSED(open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC));
  OTHER_ENTRIES(socket, 359, AF_VSOCK, SOCK_STREAM, 0, 0);
  return verdict();
}
