// SPDX-License-Identifier: Apache-2.0
#include "base/parse.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace msb::base {

std::uint64_t number_behind(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return parse_number<std::uint64_t>(line.substr(key.size() + 1)).value_or(0);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}

std::optional<double> parse_decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  // "ms" stands before "m" and "s": the longest suffix is tried first.
  constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
      {{"ms", 1.0}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}}};
  constexpr double kLongestMs = 10.0 * 365 * 24 * 3600e3;
  double unit_ms = 1e3;
  for (const auto& [suffix, value_ms] : kUnits) {
    if (text.ends_with(suffix)) {
      text.remove_suffix(suffix.size());
      unit_ms = value_ms;
      break;
    }
  }
  const std::optional<double> value = parse_decimal(text);
  if (!value || *value < 0 || *value * unit_ms > kLongestMs) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(std::llround(*value * unit_ms));
}

}  // namespace msb::base
