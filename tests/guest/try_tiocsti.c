// SPDX-License-Identifier: Apache-2.0
//
// Typing into a terminal as if somebody had: the sandbox's own, and with every disguise of the
// request.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "attempt.h"

int main(void) {
  static char key[2] = "x";
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  int slave = -1;
  if (master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0) {
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  const int terminals[] = {master, slave, 0, 1, 2};
  for (size_t i = 0; i < sizeof terminals / sizeof terminals[0]; ++i) {
    REFUSED(ioctl(terminals[i], TIOCSTI, key));
    REFUSED(syscall(SYS_ioctl, terminals[i], TIOCSTI | 1UL << 32, key));
    REFUSED(syscall(SYS_ioctl, terminals[i], TIOCSTI | 0xffffffff00000000UL, key));
    REFUSED(ioctl(terminals[i], 0x541c /* TIOCLINUX */, "\2"));
    REFUSED(ioctl(terminals[i], TIOCCONS));
  }
  OTHER_ENTRIES(ioctl, 54, slave, TIOCSTI, (long)key, 0);
  REFUSED(open("/dev/console", O_RDWR | O_CLOEXEC));
  return verdict();
}
