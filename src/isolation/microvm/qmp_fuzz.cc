// SPDX-License-Identifier: Apache-2.0
//
// A line of QEMU's monitor.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "isolation/microvm/qmp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message =
      msb::isolation::microvm::parse_qmp(msb::base::text_of(std::as_bytes(std::span(data, size))));
  if (message) {
    MSB_CHECK(std::ranges::all_of(message->text, [](char c) { return c >= ' ' && c <= '~'; }));
  }
  return 0;
}
