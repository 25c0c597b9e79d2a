// SPDX-License-Identifier: Apache-2.0
#include "cli/input_pump.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/sys.h"
#include "base/try.h"

namespace msb::cli {
namespace {

// What a pipe holds by default: one read empties it.
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

}  // namespace

Result<std::unique_ptr<InputPump>> InputPump::start(Process& process) {
  base::UniqueFd wake = TRY(base::sys::eventfd(0, 0));
  return std::unique_ptr<InputPump>(new InputPump(process, std::move(wake)));
}

InputPump::InputPump(Process& process, base::UniqueFd wake)
    : process_(process), wake_(std::move(wake)), thread_([this] { run(); }) {}

InputPump::~InputPump() {
  ::eventfd_write(wake_.get(), 1);
}

void InputPump::run() {
  std::vector<std::byte> buffer(kChunkBytes);
  std::array<pollfd, 2> fds = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      continue;  // EINTR: nothing else can happen with two open descriptors
    }
    if (fds[1].revents != 0) {
      return;  // the command has ended
    }
    const auto count = base::sys::read(STDIN_FILENO, buffer);
    if (!count && count.error().sys_errno() == EAGAIN) {
      continue;
    }
    if (!count || *count == 0) {
      break;
    }
    if (!process_.write_stdin(base::text_of(std::span(buffer).first(*count)))) {
      return;  // it closed its stdin or has ended: as with a pipe, not our business
    }
  }
  (void)process_.close_stdin();  // an ended command has no stdin to close
}

}  // namespace msb::cli
