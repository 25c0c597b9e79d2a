// SPDX-License-Identifier: Apache-2.0
//
// Commands to the kernel: by file, and by writing to the console.
#include <fcntl.h>

#include "attempt.h"

static void command(const char* path) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    refused(path, fd);
    return;
  }
  // /dev/null is what covers it: what is written there moves nothing.
  harmless(path, write(fd, "h", 1));
  close(fd);
}

int main(void) {
  command("/proc/sysrq-trigger");
  command("/proc/self/root/proc/sysrq-trigger");
  refused_to_write("/proc/sys/kernel/sysrq");
  refused_to_write("/dev/console");
  refused_to_write("/dev/tty0");
  refused_to_write("/dev/kmsg");
  refused_to_write("/dev/ttyS0");
  char text[64];
  const long before = read_text("/proc/sysrq-trigger", text, sizeof text);
  holds(before <= 0, "the trigger is covered", NULL);
  return verdict();
}
