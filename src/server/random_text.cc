// SPDX-License-Identifier: Apache-2.0
#include "server/random_text.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace msb::server {

Result<std::string> random_text(std::size_t size) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // The largest multiple of 62 in a byte: what lies above would prefer some letters.
  constexpr unsigned kFair = 256 / kLetters.size() * kLetters.size();
  std::string text;
  while (text.size() < size) {
    std::array<unsigned char, 64> bytes{};
    const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail(ErrorCode::kIo, "getrandom", errno);
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count) && text.size() < size; ++i) {
      if (bytes[i] < kFair) {
        text += kLetters[bytes[i] % kLetters.size()];
      }
    }
  }
  return text;
}

}  // namespace msb::server
