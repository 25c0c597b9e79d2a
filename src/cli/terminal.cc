// SPDX-License-Identifier: Apache-2.0
//
// A terminal left in raw mode is a broken shell, so the way back has to work from anywhere: the
// saved modes stand in a static that is written before raw mode begins, and signal handlers, which
// may only make system calls, use it directly.
#include "cli/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>

#include "base/sys.h"

namespace msb::cli {
namespace {

struct Saved {
  termios cooked{};
  termios raw{};
  int fd = -1;
  std::atomic<bool> active = false;
};
Saved saved;  // there is one controlling terminal

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

void on_crash(int number) {
  restore_terminal();
  ::raise(number);  // SA_RESETHAND: now with its default action
}

void watch_for_crashes() {
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (const int number : kCrashes) {
    ::sigaction(number, &action, nullptr);
  }
}

}  // namespace

Result<RawTerminal> RawTerminal::enter(int fd) {
  if (::tcgetattr(fd, &saved.cooked) != 0) {
    return std::unexpected(base::sys::error("tcgetattr"));
  }
  saved.raw = saved.cooked;
  ::cfmakeraw(&saved.raw);
  saved.fd = fd;
  watch_for_crashes();
  saved.active = true;
  if (::tcsetattr(fd, TCSADRAIN, &saved.raw) != 0) {
    saved.active = false;
    return std::unexpected(base::sys::error("tcsetattr"));
  }
  return RawTerminal();
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept : owns_(std::exchange(other.owns_, false)) {}

RawTerminal::~RawTerminal() {
  if (owns_) {
    restore_terminal();
  }
}

void RawTerminal::enter_again() const {
  if (saved.active) {
    ::tcsetattr(saved.fd, TCSADRAIN, &saved.raw);
  }
}

void restore_terminal() noexcept {
  if (saved.active.exchange(false)) {
    // Not TCSADRAIN: whoever ends us must not wait for a terminal that nobody reads.
    ::tcsetattr(saved.fd, TCSANOW, &saved.cooked);
  }
}

WindowSize window_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    return {};
  }
  return {size.ws_row, size.ws_col};
}

}  // namespace msb::cli
