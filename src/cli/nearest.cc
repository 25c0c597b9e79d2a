// SPDX-License-Identifier: Apache-2.0
#include "cli/nearest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace msb::cli {
namespace {

// Damerau-Levenshtein distance, adjacent swaps only. Words are short; what is not is no typing
// error.
constexpr std::size_t kMaxWord = 64;

std::size_t edits(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cost((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return cost[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) {
    at(i, 0) = i;
  }
  for (std::size_t j = 0; j <= b.size(); ++j) {
    at(0, j) = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
      }
    }
  }
  return at(a.size(), b.size());
}

}  // namespace

std::optional<std::string> nearest(std::string_view typed,
                                   std::span<const std::string> candidates) {
  if (typed.size() > kMaxWord) {
    return std::nullopt;
  }
  std::optional<std::string> best;
  std::size_t fewest = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t count = edits(typed, candidate);
    const std::size_t allowed = std::max<std::size_t>(1, candidate.size() / 3);
    if (count <= allowed && (!best || count < fewest)) {
      best = candidate;
      fewest = count;
    }
  }
  return best;
}

}  // namespace msb::cli
