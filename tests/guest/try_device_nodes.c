// SPDX-License-Identifier: Apache-2.0
//
// The host's memory and disks by device nodes: made in every folder that takes files, found in
// /dev, and opened by what the kernel would let a node be.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "attempt.h"

int main(void) {
  static const struct {
    unsigned kind, first, second;
  } kDevices[] = {{S_IFCHR, 1, 1},    {S_IFCHR, 1, 2},    {S_IFCHR, 1, 4},    {S_IFCHR, 1, 11},
                  {S_IFCHR, 4, 0},    {S_IFCHR, 5, 1},    {S_IFCHR, 10, 200}, {S_IFCHR, 10, 229},
                  {S_IFCHR, 10, 232}, {S_IFCHR, 10, 237}, {S_IFBLK, 8, 0},    {S_IFBLK, 253, 0},
                  {S_IFBLK, 254, 0},  {S_IFBLK, 7, 0},    {S_IFBLK, 259, 0},  {S_IFCHR, 0, 0}};
  static const char* const kFolders[] = {"/tmp",    "/dev/shm",  "/dev", "/run",
                                         "/shared", "/attempts", "/root"};
  for (size_t i = 0; i < sizeof kFolders / sizeof kFolders[0]; ++i) {
    for (size_t j = 0; j < sizeof kDevices / sizeof kDevices[0]; ++j) {
      char path[64];
      snprintf(path, sizeof path, "%s/node", kFolders[i]);
      const dev_t device = makedev(kDevices[j].first, kDevices[j].second);
      if (refused(path, mknod(path, kDevices[j].kind | 0666, device)) == 0) {
        const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        holds(fd < 0, path, "a device node that opens");
        unlink(path);
      }
    }
  }
  static const char* const kNodes[] = {
      "/dev/mem",           "/dev/kmem",         "/dev/port",
      "/dev/kmsg",          "/dev/kvm",          "/dev/fuse",
      "/dev/net/tun",       "/dev/loop0",        "/dev/loop-control",
      "/dev/sda",           "/dev/vda",          "/dev/nvme0n1",
      "/dev/userfaultfd",   "/dev/vsock",        "/dev/vhost-net",
      "/dev/dri/card0",     "/dev/input/event0", "/dev/mapper/control",
      "/dev/btrfs-control", "/dev/uinput",       "/dev/snd/timer",
      "/dev/hwrng",         "/dev/cpu/0/msr"};
  for (size_t i = 0; i < sizeof kNodes / sizeof kNodes[0]; ++i) {
    refused(kNodes[i], open(kNodes[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    refused(kNodes[i], open(kNodes[i], O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }
  OTHER_ENTRIES(mknod, 14, (long)"/tmp/node", S_IFCHR | 0666, 0x101, 0);
  return verdict();
}
