// SPDX-License-Identifier: Apache-2.0
#include "server/starter.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "base/file.h"
#include "base/sys.h"

namespace msb::server {
namespace {

constexpr int kKilledStatus = 128;

[[noreturn]] void wait_and_end(pid_t child, int pipe) {
  std::array<std::byte, 1> ready{};
  if (base::read_exact(pipe, ready).value_or(false)) {
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFSIGNALED(status) ? kKilledStatus + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace

Result<Starter> Starter::leave() {
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  base::sys::Pipe pipe = TRY(base::sys::pipe());
  const base::UniqueFd null = TRY(base::sys::open("/dev/null", O_RDWR));
  const pid_t child = ::fork();
  if (child < 0) {
    return std::unexpected(base::sys::error("fork"));
  }
  if (child > 0) {
    pipe.write_end.reset();
    wait_and_end(child, pipe.read_end.get());
  }
  ::setsid();  // cannot fail: a new process leads no group
  if (::dup2(null.get(), STDIN_FILENO) < 0) {
    return std::unexpected(base::sys::error("dup2", "/dev/null"));
  }
  return Starter(std::move(pipe.write_end));
}

void Starter::tell_ready() {
  // It may be gone: that is no reason to be gone, too.
  [[maybe_unused]] const auto told = base::write_all(pipe_.get(), "r");
  pipe_.reset();
}

}  // namespace msb::server
