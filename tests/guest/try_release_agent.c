// SPDX-License-Identifier: Apache-2.0
//
// The cgroup escape: a program that the host runs when a group becomes empty.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  static const char* const kPlaces[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/memory",
                                        "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/unified",
                                        "/sys/fs/cgroup/rdma"};
  for (size_t i = 0; i < sizeof kPlaces / sizeof kPlaces[0]; ++i) {
    static const char* const kFiles[] = {"release_agent", "notify_on_release", "cgroup.procs",
                                         "tasks"};
    char path[128];
    for (size_t j = 0; j < sizeof kFiles / sizeof kFiles[0]; ++j) {
      snprintf(path, sizeof path, "%s/%s", kPlaces[i], kFiles[j]);
      refused_to_write(path);
    }
    snprintf(path, sizeof path, "%s/x", kPlaces[i]);
    refused(path, mkdir(path, 0755));
  }
  // The classic mounts a hierarchy of its own first.
  const char* place = scratch("group");
  mkdir(place, 0755);
  static const char* const kControllers[] = {"rdma", "memory", "misc", "none,name=own", "cpuset"};
  for (size_t i = 0; i < sizeof kControllers / sizeof kControllers[0]; ++i) {
    refused(kControllers[i], mount("cgroup", place, "cgroup", 0, kControllers[i]));
  }
  REFUSED(mount("cgroup2", place, "cgroup2", 0, NULL));
  rmdir(place);
  return verdict();
}
