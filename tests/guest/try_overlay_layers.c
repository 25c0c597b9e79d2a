// SPDX-License-Identifier: Apache-2.0
//
// The layers beneath the overlay, which other sandboxes share: by their mounts, by the places that
// mountinfo names, by a file's own number.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  char mounts[65536];
  holds(read_text("/proc/self/mountinfo", mounts, sizeof mounts) > 0, "mountinfo is there", NULL);
  const char* home = bait("HOME");
  holds(*home == '\0' || strstr(mounts, home) == NULL, "no path of the image store is told", NULL);
  static const char* const kOptions[] = {"lowerdir=", "upperdir=", "workdir="};
  for (size_t i = 0; i < sizeof kOptions / sizeof kOptions[0]; ++i) {
    const char* found = strstr(mounts, kOptions[i]);
    while (found != NULL) {
      // A path that the option names must not be there.
      char path[512];
      const char* value = found + strlen(kOptions[i]);
      size_t size = strcspn(value, ",:\n ");
      snprintf(path, sizeof path, "%.*s", (int)(size < sizeof path ? size : sizeof path - 1),
               value);
      if (*path != '\0') {
        refused(path, access(path, F_OK));
      }
      found = strstr(value, kOptions[i]);
    }
  }
  refused("the image store", access(*home == '\0' ? "/nowhere" : home, F_OK));
  return verdict();
}
