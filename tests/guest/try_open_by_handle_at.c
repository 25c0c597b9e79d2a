// SPDX-License-Identifier: Apache-2.0
//
// The host's files by the number of their inode, which no path leads to: of the root, of a volume,
// of every mount.
#include <fcntl.h>
#include <string.h>

#include "attempt.h"

struct Handle {
  unsigned bytes;
  int type;
  unsigned char data[128];
};

int main(void) {
  static const char* const kPlaces[] = {"/", "/attempts", "/shared", "/proc", "/dev/shm", "/tmp"};
  for (size_t i = 0; i < sizeof kPlaces / sizeof kPlaces[0]; ++i) {
    static struct Handle handle;
    int mount = 0;
    handle.bytes = sizeof handle.data;
    refused(kPlaces[i], syscall(SYS_name_to_handle_at, AT_FDCWD, kPlaces[i], &handle, &mount, 0));
    const int fd = open(kPlaces[i], O_RDONLY | O_CLOEXEC);
    // Inode 2 is the root of an ext4, 64, 96 or 128 that of an xfs, 256 that of a btrfs subvolume.
    static const unsigned kRoots[] = {2, 64, 96, 128, 256};
    for (size_t j = 0; j < sizeof kRoots / sizeof kRoots[0]; ++j) {
      memset(&handle, 0, sizeof handle);
      handle.bytes = 8;
      handle.type = 1;
      memcpy(handle.data, &kRoots[j], sizeof kRoots[j]);
      refused(kPlaces[i], syscall(SYS_open_by_handle_at, fd, &handle, O_RDONLY));
      refused(kPlaces[i], syscall(SYS_open_by_handle_at, fd, &handle, O_RDONLY | O_PATH));
    }
    OTHER_ENTRIES(open_by_handle_at, 342, fd, (long)&handle, O_RDONLY, 0);
    close(fd);
  }
  return verdict();
}
