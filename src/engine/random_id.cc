// SPDX-License-Identifier: Apache-2.0
#include "engine/random_id.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/check.h"
#include "base/sys.h"

namespace msb::engine {

Result<std::string> random_id(std::size_t digits) {
  std::array<std::uint8_t, 32> bytes;
  MSB_CHECK(digits <= 2 * bytes.size());
  ssize_t size = 0;
  do {
    // Up to 256 bytes come whole or not at all.
    size = ::getrandom(bytes.data(), bytes.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    return std::unexpected(base::sys::error("getrandom"));
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string id;
  for (std::size_t i = 0; i < digits; ++i) {
    const unsigned byte = bytes[i / 2];
    id.push_back(kHex[i % 2 == 0 ? byte >> 4 : byte & 0xf]);
  }
  return id;
}

}  // namespace msb::engine
