// SPDX-License-Identifier: Apache-2.0
//
// Taking off what covers: the files of /proc, the read-only folders, the root itself.
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "attempt.h"

int main(void) {
  char mounts[65536];
  read_text("/proc/self/mountinfo", mounts, sizeof mounts);
  char* next = NULL;
  for (char* line = strtok_r(mounts, "\n", &next); line != NULL;
       line = strtok_r(NULL, "\n", &next)) {
    char place[512];
    if (sscanf(line, "%*s %*s %*s %*s %511s", place) == 1) {
      refused(place, umount2(place, 0));
      refused(place, umount2(place, MNT_DETACH));
      refused(place, umount2(place, MNT_EXPIRE));
    }
  }
  REFUSED(umount2("/proc/self/root", MNT_DETACH | UMOUNT_NOFOLLOW));
  OTHER_ENTRIES(umount2, 52, (long)"/proc", MNT_DETACH, 0, 0);
  return verdict();
}
