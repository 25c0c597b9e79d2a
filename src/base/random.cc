// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/hex.h"
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
  std::array<std::byte, 32> bytes;
  MSB_CHECK(digits <= 2 * bytes.size());
  TRY(fill_random(bytes));
  return hex_of(bytes).substr(0, digits);
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
