// SPDX-License-Identifier: Apache-2.0
#include "engine/pool_policy.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace msb::engine {
namespace {

using Seconds = std::chrono::duration<double>;

// A peak that has fallen below this is no demand any more: two half-lives after a single start.
constexpr double kLeastPeak = 0.25;

double halved(double value, Demand::Clock::duration age, std::chrono::milliseconds half_life) {
  if (half_life.count() <= 0) {
    return 0;
  }
  return value * std::exp2(-Seconds(age).count() / Seconds(half_life).count());
}

}  // namespace

double Demand::burst(Clock::time_point now) const {
  return halved(burst_, now - time_, kBurstHalfLife);
}

double Demand::peak(Clock::time_point now) const {
  return halved(peak_, now - time_, half_life_);
}

void Demand::note_start(Clock::time_point now) {
  const double before = peak(now);
  is_hot_ = before >= kLeastPeak;
  burst_ = burst(now) + 1;
  peak_ = std::max(before, burst_);
  time_ = now;
}

std::size_t Demand::wanted(Clock::time_point now, const PoolOptions& options) const {
  const double level = peak(now);
  if (!is_hot_ || level < kLeastPeak || options.max_spares == 0) {
    return 0;
  }
  const std::size_t least = std::max<std::size_t>(1, options.min_spares);
  const auto rounded = static_cast<std::size_t>(
      std::min(std::round(level), static_cast<double>(options.max_spares)));
  return std::min(std::max(rounded, least), options.max_spares);
}

std::optional<Demand::Clock::time_point> Demand::falls_at(Clock::time_point now,
                                                          const PoolOptions& options) const {
  const std::size_t current = wanted(now, options);
  if (current == 0) {
    return std::nullopt;
  }
  const std::size_t least = std::max<std::size_t>(1, options.min_spares);
  const double below = current > least ? static_cast<double>(current) - 0.5 : kLeastPeak;
  const double half_lives = std::log2(peak_ / below);
  // Past the moment by a little, or rounding could put it before the fall.
  const auto age = Seconds(std::max(0.0, half_lives) * Seconds(half_life_).count() + 0.001);
  return std::max(now, time_ + std::chrono::duration_cast<Clock::duration>(age));
}

std::uint64_t affordable(const HostMemory& memory, const PoolOptions& options, std::uint64_t kept) {
  const std::uint64_t reserve =
      options.reserved_memory_bytes > 0 ? options.reserved_memory_bytes : memory.total_bytes / 8;
  if (memory.available_bytes >= reserve) {
    return kept + (memory.available_bytes - reserve);
  }
  return kept - std::min(kept, reserve - memory.available_bytes);
}

std::vector<std::size_t> divide(const std::vector<Want>& wanted, std::size_t limit,
                                std::uint64_t bytes) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return wanted[a].count != wanted[b].count ? wanted[a].count > wanted[b].count : a < b;
  });
  std::vector<std::size_t> given(wanted.size(), 0);
  for (bool gave = true; gave && limit > 0;) {
    gave = false;
    for (const std::size_t i : order) {
      if (limit > 0 && given[i] < wanted[i].count && wanted[i].bytes <= bytes) {
        ++given[i];
        --limit;
        bytes -= wanted[i].bytes;
        gave = true;
      }
    }
  }
  return given;
}

}  // namespace msb::engine
