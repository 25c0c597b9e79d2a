// SPDX-License-Identifier: Apache-2.0
//
// By tables and in whole groups: gigabytes of a guest's output come this way.
#include "rpc/base64.h"

#include <array>
#include <cstdint>

namespace msb::rpc {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kNoDigit = 1U << 31;

consteval std::array<std::uint32_t, 256> make_digits() {
  std::array<std::uint32_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::uint32_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = i;
  }
  return digits;
}
constexpr std::array<std::uint32_t, 256> kDigits = make_digits();

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint32_t digit_at(std::string_view text, std::size_t at) {
  return kDigits[static_cast<unsigned char>(text[at])];
}

}  // namespace

void append_base64(std::string& text, std::string_view bytes) {
  std::size_t out = text.size();
  text.resize(out + (bytes.size() + 2) / 3 * 4, '=');
  std::size_t in = 0;
  for (; in + 3 <= bytes.size(); in += 3, out += 4) {
    const std::uint32_t group =
        byte_at(bytes, in) << 16 | byte_at(bytes, in + 1) << 8 | byte_at(bytes, in + 2);
    text[out] = kAlphabet[group >> 18];
    text[out + 1] = kAlphabet[group >> 12 & 63];
    text[out + 2] = kAlphabet[group >> 6 & 63];
    text[out + 3] = kAlphabet[group & 63];
  }
  const std::size_t left = bytes.size() - in;
  if (left == 0) {
    return;
  }
  const std::uint32_t group =
      byte_at(bytes, in) << 16 | (left == 2 ? byte_at(bytes, in + 1) << 8 : 0);
  text[out] = kAlphabet[group >> 18];
  text[out + 1] = kAlphabet[group >> 12 & 63];
  if (left == 2) {
    text[out + 2] = kAlphabet[group >> 6 & 63];
  }
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return std::nullopt;
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t whole = padding == 0 ? text.size() : text.size() - 4;
  std::string bytes(text.size() / 4 * 3 - padding, '\0');
  std::size_t out = 0;
  std::uint32_t wrong = 0;
  for (std::size_t in = 0; in < whole; in += 4, out += 3) {
    const std::uint32_t group = digit_at(text, in) << 18 | digit_at(text, in + 1) << 12 |
                                digit_at(text, in + 2) << 6 | digit_at(text, in + 3);
    wrong |= digit_at(text, in) | digit_at(text, in + 1) | digit_at(text, in + 2) |
             digit_at(text, in + 3);
    bytes[out] = static_cast<char>(group >> 16);
    bytes[out + 1] = static_cast<char>(group >> 8);
    bytes[out + 2] = static_cast<char>(group);
  }
  if (padding > 0) {
    const std::uint32_t third = padding == 1 ? digit_at(text, whole + 2) : 0;
    const std::uint32_t group =
        digit_at(text, whole) << 18 | digit_at(text, whole + 1) << 12 | third << 6;
    wrong |= digit_at(text, whole) | digit_at(text, whole + 1) | third;
    bytes[out] = static_cast<char>(group >> 16);
    if (padding == 1) {
      bytes[out + 1] = static_cast<char>(group >> 8);
    }
    // Bits after the last byte are zero.
    wrong |= (group & (padding == 1 ? 0xffU : 0xffffU)) != 0 ? kNoDigit : 0;
  }
  if ((wrong & kNoDigit) != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace msb::rpc
