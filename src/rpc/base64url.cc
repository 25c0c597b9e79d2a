// SPDX-License-Identifier: Apache-2.0
#include "rpc/base64url.h"

#include <cstdint>

namespace msb::rpc {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr unsigned kBitsPerDigit = 6;
constexpr unsigned kBitsPerByte = 8;

}  // namespace

std::string to_base64url(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = (bits << kBitsPerByte) | static_cast<unsigned char>(c);
    count += kBitsPerByte;
    while (count >= kBitsPerDigit) {
      count -= kBitsPerDigit;
      text += kUrlAlphabet[(bits >> count) & 63];
    }
  }
  if (count > 0) {
    text += kUrlAlphabet[(bits << (kBitsPerDigit - count)) & 63];
  }
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto digit = kUrlAlphabet.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << kBitsPerDigit) | static_cast<std::uint32_t>(digit);
    count += kBitsPerDigit;
    if (count >= kBitsPerByte) {
      count -= kBitsPerByte;
      bytes += static_cast<char>((bits >> count) & 255);
    }
  }
  // A lone digit is six bits of nothing; the bits after the last byte are zero.
  if (count >= kBitsPerDigit || (bits & ((1U << count) - 1)) != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace msb::rpc
