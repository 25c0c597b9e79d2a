// SPDX-License-Identifier: Apache-2.0
//
// Both directions of a machine's control port, as a stream of frames.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "isolation/microvm/guest_messages.h"

using namespace msb;                      // NOLINT: a program of one function
using namespace msb::isolation::microvm;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wire::FrameReader reader;
  const std::span<std::byte> room = reader.prepare(size + 1);
  std::ranges::copy(std::as_bytes(std::span(data, size)), room.begin());
  reader.commit(size);
  for (;;) {
    const auto frame = reader.next();
    if (!frame || !*frame) {
      return 0;
    }
    if (const auto message = decode_from_guest(**frame)) {
      MSB_CHECK(!encode(*message).empty());
    }
    if (const auto message = decode_to_guest(**frame)) {
      MSB_CHECK(!encode(*message).empty());
    }
  }
}
