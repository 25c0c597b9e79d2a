// SPDX-License-Identifier: Apache-2.0
//
// New mounts of every kind, and weaker flags for the old ones.
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  const char* place = scratch("mount");
  mkdir(place, 0755);
  static const char* const kTypes[] = {"tmpfs",   "proc",       "sysfs",   "devpts", "mqueue",
                                       "ext4",    "overlay",    "cgroup2", "bpf",    "debugfs",
                                       "tracefs", "securityfs", "fuse",    "nfs",    "configfs"};
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
    refused(kTypes[i], mount("none", place, kTypes[i], 0, NULL));
  }
  REFUSED(mount("/dev/vda", place, "ext4", MS_RDONLY, NULL));
  REFUSED(mount("/", place, NULL, MS_BIND | MS_REC, NULL));
  REFUSED(mount("/proc/1/root", place, NULL, MS_BIND, NULL));
  REFUSED(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL));
  REFUSED(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
  static const char* const kReadOnly[] = {"/proc/sys", "/sys", "/attempts", "/proc/bus"};
  for (size_t i = 0; i < sizeof kReadOnly / sizeof kReadOnly[0]; ++i) {
    refused(kReadOnly[i], mount(NULL, kReadOnly[i], NULL, MS_REMOUNT | MS_BIND, NULL));
    refused(kReadOnly[i], mount(NULL, kReadOnly[i], NULL, MS_REMOUNT, NULL));
  }
  REFUSED(mount("/proc/sys", "/tmp", NULL, MS_MOVE, NULL));
  OTHER_ENTRIES(mount, 21, (long)"none", (long)"/tmp", (long)"tmpfs", 0);
  rmdir(place);
  return verdict();
}
