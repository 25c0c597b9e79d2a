// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string_view>

#include "cli/interrupts.h"
#include "msb/error.h"
#include "msb/options.h"

namespace msb::cli {

// Passes output of the sandbox on to our stdout and stderr, from the callback that brings it: no
// copy is kept, and a reader that is slower than the sandbox slows the sandbox down. When nobody
// reads stdout any more the sandbox is asked to end, as SIGPIPE would have ended the command.
class OutputWriter {
 public:
  explicit OutputWriter(Interrupts& interrupts) : interrupts_(interrupts) {}
  OutputWriter(const OutputWriter&) = delete;
  OutputWriter& operator=(const OutputWriter&) = delete;

  void write(Stream stream, std::string_view bytes);
  OutputCallback callback() {
    return [this](Stream stream, std::string_view bytes) { write(stream, bytes); };
  }
  // Why output was lost, other than by a reader that went away (a full disk, say).
  std::optional<Error> error() const;

 private:
  struct Target {
    int fd;
    bool closed = false;
  };

  Interrupts& interrupts_;
  mutable std::mutex mutex_;  // guards what follows
  Target stdout_{1};
  Target stderr_{2};
  std::optional<Error> error_;
};

}  // namespace msb::cli
