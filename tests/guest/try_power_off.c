// SPDX-License-Identifier: Apache-2.0
//
// Ending or halting the host.
#include <linux/reboot.h>
#include <stdio.h>

#include "attempt.h"

int main(void) {
  static const unsigned kCommands[] = {LINUX_REBOOT_CMD_CAD_OFF,   LINUX_REBOOT_CMD_CAD_ON,
                                       LINUX_REBOOT_CMD_HALT,      LINUX_REBOOT_CMD_KEXEC,
                                       LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_CMD_RESTART,
                                       LINUX_REBOOT_CMD_SW_SUSPEND};
  for (size_t i = 0; i < sizeof kCommands / sizeof kCommands[0]; ++i) {
    char what[32];
    snprintf(what, sizeof what, "reboot(%#x)", kCommands[i]);
    refused(what, syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, kCommands[i], 0));
  }
  OTHER_ENTRIES(reboot, 88, (long)(int)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
                LINUX_REBOOT_CMD_CAD_OFF, 0);
  refused_to_write("/sys/power/state");
  refused_to_write("/dev/watchdog");
  refused_to_write("/proc/acpi/sleep");
  REFUSED(syscall(SYS_vhangup));
  return verdict();
}
