// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/check.h"
#include "base/sys.h"

namespace msb::base {

Result<> fill_random(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::getrandom(bytes.data(), bytes.size(), 0);
    if (size >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(size));
    } else if (errno != EINTR) {
      return std::unexpected(sys::error("getrandom"));
    }
  }
  return {};
}

Result<std::string> random_id(std::size_t digits) {
  std::array<std::uint8_t, 32> bytes;
  MSB_CHECK(digits <= 2 * bytes.size());
  TRY(fill_random(std::as_writable_bytes(std::span(bytes))));
  constexpr char kHex[] = "0123456789abcdef";
  std::string id;
  for (std::size_t i = 0; i < digits; ++i) {
    const unsigned byte = bytes[i / 2];
    id.push_back(kHex[i % 2 == 0 ? byte >> 4 : byte & 0xf]);
  }
  return id;
}

Result<std::string> random_uuid() {
  constexpr std::size_t kDigits = 32;
  constexpr std::size_t kVersionAt = 12;
  constexpr std::size_t kVariantAt = 16;
  std::string uuid = TRY(random_id(kDigits));
  uuid[kVersionAt] = '4';
  uuid[kVariantAt] = "89ab"[static_cast<unsigned char>(uuid[kVariantAt]) % 4];
  for (const std::size_t dash : {20U, 16U, 12U, 8U}) {
    uuid.insert(dash, 1, '-');
  }
  return uuid;
}

}  // namespace msb::base
