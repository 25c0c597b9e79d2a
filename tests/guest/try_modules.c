// SPDX-License-Identifier: Apache-2.0
//
// Code in the kernel: loading a module, unloading one, and making the kernel load one itself.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "attempt.h"

int main(void) {
  static char image[64] = "\177ELF";
  REFUSED(syscall(SYS_init_module, image, sizeof image, ""));
  const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  REFUSED(syscall(SYS_finit_module, fd, "", 0));
  REFUSED(syscall(SYS_finit_module, fd, "", 3 /* ignore versions */));
  REFUSED(syscall(SYS_delete_module, "loop", 0));
  OTHER_ENTRIES(init_module, 128, (long)image, sizeof image, (long)"", 0);
  OTHER_ENTRIES(finit_module, 350, fd, (long)"", 0, 0);
  OTHER_ENTRIES(delete_module, 129, (long)"loop", 0, 0, 0);
  refused_to_write("/proc/sys/kernel/modprobe");
  refused_to_read("/proc/modules");
  // Families whose first socket would load their module.
  static const int kFamilies[] = {AF_APPLETALK, AF_ATMPVC, AF_X25,   AF_DECnet,     AF_RDS,
                                  AF_CAN,       AF_TIPC,   AF_RXRPC, AF_IEEE802154, AF_NFC};
  for (size_t i = 0; i < sizeof kFamilies / sizeof kFamilies[0]; ++i) {
    REFUSED(socket(kFamilies[i], SOCK_DGRAM, 0));
    REFUSED(socket(kFamilies[i], SOCK_SEQPACKET, 0));
  }
  // And SCTP, DCCP, MPTCP, UDPLITE over IP: a protocol that is not there loads net-pf-2-proto-N.
  REFUSED(socket(AF_INET, SOCK_SEQPACKET, 132));
  REFUSED(socket(AF_INET, SOCK_DCCP, 33));
  return verdict();
}
