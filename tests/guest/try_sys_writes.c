// SPDX-License-Identifier: Apache-2.0
//
// Every file of /sys, opened for writing, and a new one in every folder of it.
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attempt.h"

static int visit(const char* path, const struct stat* status, int kind, struct FTW* place) {
  (void)status;
  (void)place;
  char made[4200];
  if (kind == FTW_F) {
    refused_to_write(path);
  } else if (kind == FTW_D) {
    snprintf(made, sizeof made, "%s/made", path);
    refused(made, mkdir(made, 0755));
    refused(made, open(made, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  }
  return 0;
}

int main(void) {
  nftw("/sys", visit, 16, FTW_PHYS);
  static const char* const kElsewhere[] = {"/sys/kernel/uevent_helper",
                                           "/sys/power/state",
                                           "/sys/kernel/debug/sched/features",
                                           "/sys/kernel/tracing/trace_marker",
                                           "/sys/firmware/efi/vars",
                                           "/sys/module/kernel/parameters",
                                           "/sys/kernel/security/apparmor/.load",
                                           "/sys/fs/bpf",
                                           "/sys/bus/pci/rescan",
                                           "/sys/class/block",
                                           "/sys/devices/system/cpu/cpu1/online"};
  for (size_t i = 0; i < sizeof kElsewhere / sizeof kElsewhere[0]; ++i) {
    refused_to_write(kElsewhere[i]);
  }
  return verdict();
}
