// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a hostile peer through the frame reader and every decoder.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "wire/messages.h"

namespace {

template <typename... Messages>
void decode_each(std::span<const std::byte> payload) {
  (static_cast<void>(Messages::decode(payload)), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace msb::wire;
  FrameReader reader;
  std::span<const std::byte> input = std::as_bytes(std::span(data, size));
  // Fed in uneven pieces, as a socket would.
  std::size_t piece = 1;
  while (!input.empty()) {
    const auto room = reader.prepare(piece);
    const std::size_t count = std::min({piece, room.size(), input.size()});
    std::memcpy(room.data(), input.data(), count);
    reader.commit(count);
    input = input.subspan(count);
    piece = piece * 3 % 8191 + 1;
    for (;;) {
      const auto next = reader.next();
      if (!next) {
        return 0;
      }
      const std::optional<Frame>& frame = *next;
      if (!frame) {
        break;
      }
      decode_each<Hello, HelloReply, Configure, WriteFile, Exec, Repl, WarmRepl, Adopt, Signal,
                  Resize, Connect, Credit, Failed, Started, Exited, ReplDone, Measured, LimitsMet,
                  OutputCut>(frame->payload);
    }
  }
  return 0;
}
