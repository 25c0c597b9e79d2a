// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <chrono>

namespace msb::isolation::testing {

// Waits for what the kernel, or another process, does in its own time and tells nobody of.
bool comes_true(const auto& condition) {
  constexpr std::chrono::seconds kPatience{20};
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    ::poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace msb::isolation::testing
