// SPDX-License-Identifier: Apache-2.0
//
// The terminal msb runs in, while a terminal of the sandbox is shown on it.
#pragma once

#include <cstdint>

#include "msb/result.h"

namespace msb::cli {

// Every key goes to the sandbox while this lives. The terminal is given back by the destructor, and
// also when the process ends by restore_terminal() or by a crash.
class RawTerminal {
 public:
  // kIo: `fd` is not a terminal that can be set.
  static Result<RawTerminal> enter(int fd);
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;
  ~RawTerminal();

  // After the shell took the terminal back (stopped and continued).
  void enter_again() const;

 private:
  RawTerminal() = default;
  bool owns_ = true;
};

// Puts the terminal back as RawTerminal found it. Async-signal-safe; harmless without a
// RawTerminal.
void restore_terminal() noexcept;

struct WindowSize {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
};
// 24 x 80 where there is no terminal or it does not know.
WindowSize window_size(int fd);

}  // namespace msb::cli
