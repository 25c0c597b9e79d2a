// SPDX-License-Identifier: Apache-2.0
#include "server/random_text.h"

#include <array>
#include <span>
#include <string_view>

#include "base/random.h"

namespace msb::server {

Result<std::string> random_text(std::size_t size) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // The largest multiple of 62 in a byte: what lies above would prefer some letters.
  constexpr unsigned kFair = 256 / kLetters.size() * kLetters.size();
  std::string text;
  while (text.size() < size) {
    std::array<unsigned char, 64> bytes{};
    TRY(base::fill_random(std::as_writable_bytes(std::span(bytes))));
    for (std::size_t i = 0; i < bytes.size() && text.size() < size; ++i) {
      if (bytes[i] < kFair) {
        text += kLetters[bytes[i] % kLetters.size()];
      }
    }
  }
  return text;
}

}  // namespace msb::server
