// SPDX-License-Identifier: Apache-2.0
//
// The files that say how a process's namespaces map to others'.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "attempt.h"

static void write_to(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    refused(path, fd);
    return;
  }
  refused(path, write(fd, text, strlen(text)));
  close(fd);
}

int main(void) {
  static const char* const kOwners[] = {"self", "thread-self", "1"};
  for (size_t i = 0; i < sizeof kOwners / sizeof kOwners[0]; ++i) {
    static const char* const kFiles[][2] = {{"uid_map", "0 0 1\n"},
                                            {"uid_map", "0 0 4294967295\n"},
                                            {"gid_map", "0 0 1\n"},

                                            {"timens_offsets", "monotonic 86400 0\n"},
                                            {"setgroups", "deny\n"},
                                            {"setgroups", "allow\n"}};
    for (size_t j = 0; j < sizeof kFiles / sizeof kFiles[0]; ++j) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%s/%s", kOwners[i], kFiles[j][0]);
      // Writing "allow" where it is allowed changes nothing.
      if (strcmp(kFiles[j][1], "allow\n") != 0) {
        write_to(path, kFiles[j][1]);
      }
    }
  }
  // Anybody may set this one, once. It means nothing: project ids are changed from the first user
  // namespace only.
  const int fd = open("/proc/self/projid_map", O_WRONLY | O_CLOEXEC);
  harmless("projid_map", write(fd, "0 0 1\n", 6));
  struct {
    unsigned flags, extent_size, extents, project, cow_extent_size;
    char reserved[8];
  } attributes = {.project = 42};
  REFUSED(
      ioctl(open("/tmp", O_RDONLY | O_CLOEXEC), 0x401c5820 /* FS_IOC_FSSETXATTR */, &attributes));
  return verdict();
}
