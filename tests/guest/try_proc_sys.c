// SPDX-License-Identifier: Apache-2.0
//
// Every file of /proc/sys, opened for writing.
#include <ftw.h>
#include <sys/stat.h>

#include "attempt.h"

static int visit(const char* path, const struct stat* status, int kind, struct FTW* place) {
  (void)status;
  (void)place;
  if (kind == FTW_F) {
    refused_to_write(path);
  }
  return 0;
}

int main(void) {
  nftw("/proc/sys", visit, 16, FTW_PHYS);
  // Also where a walk does not lead.
  refused_to_write("/proc/sys/kernel/core_pattern");
  refused_to_write("/proc/self/../sys/kernel/modprobe");
  refused_to_write("/proc/thread-self/root/proc/sys/kernel/hotplug");
  refused_to_write("/proc/sys/fs/binfmt_misc/register");
  refused_to_write("/proc/sys/vm/drop_caches");
  return verdict();
}
