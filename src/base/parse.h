// SPDX-License-Identifier: Apache-2.0
//
// Numbers and durations out of text: the whole text or nothing, no locale, no sign surprises.
#pragma once

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace msb::base {

template <std::integral T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// The number behind `key` in a text of "key number" lines, as the kernel writes them; 0 when it is
// not there.
std::uint64_t number_behind(std::string_view text, std::string_view key);

std::optional<double> parse_decimal(std::string_view text);

// "250ms", "10s", "2.5m", "1h"; a bare number is seconds. Not negative; at most 10 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace msb::base
