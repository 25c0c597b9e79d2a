// SPDX-License-Identifier: Apache-2.0
#include "cli/output_writer.h"

#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <span>

#include "base/sys.h"

namespace msb::cli {

void OutputWriter::write(Stream stream, std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  Target& target = stream == Stream::kStdout ? stdout_ : stderr_;
  while (!bytes.empty() && !target.closed) {
    const auto written = base::sys::write(target.fd, std::as_bytes(std::span(bytes)));
    if (written) {
      bytes.remove_prefix(*written);
      continue;
    }
    if (written.error().sys_errno() == EAGAIN) {
      // Somebody who shares the descriptor made it non-blocking.
      (void)base::sys::poll_one(target.fd, POLLOUT, std::nullopt);
      continue;
    }
    target.closed = true;
    const bool nobody_reads = written.error().sys_errno() == EPIPE;
    if (!nobody_reads) {
      error_ = written.error().wrap("cannot pass output on");
    }
    if (stream == Stream::kStdout) {
      interrupts_.request_stop(SIGPIPE);
    }
  }
}

std::optional<Error> OutputWriter::error() const {
  const std::scoped_lock lock(mutex_);
  return error_;
}

}  // namespace msb::cli
