// SPDX-License-Identifier: Apache-2.0
//
// How many spare sandboxes to keep: decided from what was started lately and what memory the host
// has. Numbers in, numbers out; pool.h does the keeping.
//
// A spare takes some 20 ms to make, so what it is good for is a burst. Each kind of sandbox has
//   burst   starts within about a second: +1 for each, halving every kBurstHalfLife
//   peak    the highest burst so far, halving every PoolOptions::half_life
// and as many spares are wanted as the peak says. The first start of a kind makes none: who starts
// one sandbox shall not pay for two.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace msb::engine {

struct PoolOptions {
  std::size_t max_spares = 0;  // of all kinds together; 0: no pool
  std::size_t min_spares = 1;  // of each kind that is in demand
  // The number of spares halves in this time without starts. After twice it from single starts, or
  // a little more from bursts, there are none.
  std::chrono::milliseconds half_life{30'000};
  // Memory of the host that stays available: no spare is made, and spares are given up, below it.
  // 0: an eighth of what the host has.
  std::uint64_t reserved_memory_bytes = 0;
};

struct HostMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
};

class Demand {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kBurstHalfLife{1000};

  explicit Demand(std::chrono::milliseconds half_life) : half_life_(half_life) {}

  void note_start(Clock::time_point now);
  // How many spares are wanted, whatever the host can afford.
  std::size_t wanted(Clock::time_point now, const PoolOptions& options) const;
  // When, without another start, wanted() is next less than now; nullopt: it is 0.
  std::optional<Clock::time_point> falls_at(Clock::time_point now,
                                            const PoolOptions& options) const;
  // Of two kinds, the one in less demand is forgotten first.
  double peak(Clock::time_point now) const;

 private:
  double burst(Clock::time_point now) const;

  std::chrono::milliseconds half_life_;
  Clock::time_point time_;  // of the two numbers
  double burst_ = 0;
  double peak_ = 0;
  bool is_hot_ = false;  // has been started more than once
};

// What a spare may cost the host, more than measured: a jail, and a machine.
inline constexpr std::uint64_t kSpareBytes = 16ull << 20;
inline constexpr std::uint64_t kMachineSpareBytes = 128ull << 20;

// The host's memory that all spares together may take; those that exist take `kept` of it.
std::uint64_t affordable(const HostMemory& memory, const PoolOptions& options, std::uint64_t kept);

// How many spares of a kind are wanted, and what each costs.
struct Want {
  std::size_t count = 0;
  std::uint64_t bytes = kSpareBytes;
};

// How many spares each kind gets of `limit` in all, which cost no more than `bytes`: one each in
// order of what is wanted, then one more each, ..., so that no kind starves another.
std::vector<std::size_t> divide(const std::vector<Want>& wanted, std::size_t limit,
                                std::uint64_t bytes);

}  // namespace msb::engine
