// SPDX-License-Identifier: Apache-2.0
//
// Programs in the kernel: bpf of every kind, and a socket filter that is not one.
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "attempt.h"

int main(void) {
  static union bpf_attr attributes;
  for (int command = 0; command <= 36; ++command) {
    char what[32];
    snprintf(what, sizeof what, "bpf(%d)", command);
    memset(&attributes, 0, sizeof attributes);
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = attributes.value_size = 4;
    attributes.max_entries = 1;
    refused(what, syscall(SYS_bpf, command, &attributes, sizeof attributes));
  }
  OTHER_ENTRIES(bpf, 357, BPF_MAP_CREATE, (long)&attributes, sizeof attributes, 0);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int program = 0;
  REFUSED(setsockopt(fd, SOL_SOCKET, 50 /* SO_ATTACH_BPF */, &program, sizeof program));
  REFUSED(setsockopt(fd, SOL_SOCKET, 52 /* SO_ATTACH_REUSEPORT_EBPF */, &program, sizeof program));
  refused_to_write("/sys/fs/bpf");
  return verdict();
}
