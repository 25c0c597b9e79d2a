// SPDX-License-Identifier: Apache-2.0
#include "agent/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/sys.h"

namespace msb::agent {

namespace {

Result<base::UniqueFd> open_slave(int master) {
  // By the master, not by name: no path of the guest's is involved.
  base::UniqueFd slave(::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (slave || errno != ENOTTY) {
    return slave ? Result<base::UniqueFd>(std::move(slave))
                 : std::unexpected(base::sys::error("ioctl(TIOCGPTPEER)"));
  }
  // gVisor has no such call.
  int number = 0;
  if (::ioctl(master, TIOCGPTN, &number) < 0) {
    return std::unexpected(base::sys::error("ioctl(TIOCGPTN)"));
  }
  return base::sys::open("/dev/pts/" + std::to_string(number), O_RDWR | O_NOCTTY);
}

}  // namespace

Result<Terminal> open_terminal(std::uint16_t rows, std::uint16_t columns, uid_t owner) {
  Terminal terminal;
  terminal.master = TRY(base::sys::open("/dev/ptmx", O_RDWR | O_NOCTTY));
  const int unlocked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) < 0) {
    return std::unexpected(base::sys::error("ioctl(TIOCSPTLCK)"));
  }
  terminal.slave = TRY(open_slave(terminal.master.get()));
  // May fail where the agent is not root; the terminal then stays usable through the descriptor.
  static_cast<void>(base::sys::fchown(terminal.slave.get(), owner, static_cast<gid_t>(-1)));
  resize_terminal(terminal.master.get(), rows, columns);
  return terminal;
}

void resize_terminal(int master, std::uint16_t rows, std::uint16_t columns) {
  const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(master, TIOCSWINSZ, &size);
}

}  // namespace msb::agent
