// SPDX-License-Identifier: Apache-2.0
#include "engine/pool_policy.h"

#include <gtest/gtest.h>

namespace msb::engine {
namespace {

using namespace std::chrono_literals;

const PoolOptions kOptions{.max_spares = 8};
const Demand::Clock::time_point kBegin = Demand::Clock::time_point() + 1000h;

Demand after(const std::vector<Demand::Clock::duration>& starts,
             const PoolOptions& options = kOptions) {
  Demand demand(options.half_life);
  for (const auto start : starts) {
    demand.note_start(kBegin + start);
  }
  return demand;
}

TEST(Demand, OneStartWantsNothing) {
  const Demand demand = after({0s});
  EXPECT_EQ(demand.wanted(kBegin, kOptions), 0u);
  EXPECT_EQ(demand.falls_at(kBegin, kOptions), std::nullopt);
}

TEST(Demand, ASecondStartWantsOneMore) {
  EXPECT_EQ(after({0s, 20s}).wanted(kBegin + 20s, kOptions), 1u);
}

TEST(Demand, StartsThatAreFarApartAreEachTheFirst) {
  EXPECT_EQ(after({0s, 10min, 20min}).wanted(kBegin + 20min, kOptions), 0u);
}

TEST(Demand, RareStartsWantNoMoreThanOneSpare) {
  std::vector<Demand::Clock::duration> starts;
  for (int i = 0; i < 100; ++i) {
    starts.emplace_back(i * 10s);
  }
  EXPECT_EQ(after(starts).wanted(kBegin + starts.back(), kOptions), 1u);
}

TEST(Demand, ABurstWantsItsSize) {
  EXPECT_EQ(after({0ms, 10ms, 20ms, 30ms, 40ms}).wanted(kBegin + 40ms, kOptions), 5u);
}

TEST(Demand, NothingWantsMoreThanTheCap) {
  const Demand demand = after(std::vector<Demand::Clock::duration>(1000, 0ms));
  EXPECT_EQ(demand.wanted(kBegin, kOptions), 8u);
  EXPECT_EQ(demand.wanted(kBegin, {.max_spares = 3}), 3u);
  EXPECT_EQ(demand.wanted(kBegin, {.max_spares = 0}), 0u);
}

TEST(Demand, TheFloorHoldsWhileThereIsDemand) {
  const PoolOptions options{.max_spares = 8, .min_spares = 3};
  const Demand demand = after({0s, 10s}, options);
  EXPECT_EQ(demand.wanted(kBegin + 10s, options), 3u);
  EXPECT_EQ(demand.wanted(kBegin + 60s, options), 3u);
  EXPECT_EQ(demand.wanted(kBegin + 5min, options), 0u);
}

// Follows falls_at() down to nothing: each step is a real one, and the next is later.
TEST(Demand, FallsStepByStepToNothing) {
  const Demand demand = after({0ms, 10ms, 20ms, 30ms, 40ms, 50ms});
  Demand::Clock::time_point now = kBegin + 50ms;
  std::size_t wanted = demand.wanted(now, kOptions);
  EXPECT_EQ(wanted, 6u);
  while (const auto next = demand.falls_at(now, kOptions)) {
    ASSERT_GT(*next, now);
    now = *next;
    ASSERT_EQ(demand.wanted(now - 5ms, kOptions), wanted);
    ASSERT_LT(demand.wanted(now, kOptions), wanted);
    wanted = demand.wanted(now, kOptions);
  }
  EXPECT_EQ(wanted, 0u);
  EXPECT_LT(now - kBegin, 5 * kOptions.half_life);
}

TEST(Demand, IsForgottenAtOnceWithoutAHalfLife) {
  const PoolOptions options{.max_spares = 8, .half_life = 0ms};
  EXPECT_EQ(after({0ms, 1ms}, options).wanted(kBegin + 1ms, options), 0u);
}

constexpr std::uint64_t kGiB = 1ull << 30;

TEST(Affordable, IsWhatIsAboveTheReserve) {
  const HostMemory memory{.total_bytes = 8 * kGiB, .available_bytes = kGiB + 5 * kSpareBytes};
  EXPECT_EQ(affordable(memory, {}, 0), 5 * kSpareBytes);
  // The two are in use already.
  EXPECT_EQ(affordable(memory, {}, 2 * kSpareBytes), 7 * kSpareBytes);
  EXPECT_EQ(affordable(memory, {.reserved_memory_bytes = 2 * kGiB}, 0), 0u);
}

TEST(Affordable, GivesUpSparesBelowTheReserve) {
  const HostMemory memory{.total_bytes = 8 * kGiB, .available_bytes = kGiB - 2 * kSpareBytes};
  EXPECT_EQ(affordable(memory, {}, 5 * kSpareBytes), 3 * kSpareBytes);
  EXPECT_EQ(affordable(memory, {}, kSpareBytes), 0u);
}

TEST(Divide, GivesWhatIsWantedWhenThereIsEnough) {
  EXPECT_EQ(divide({{1}, {0}, {3}}, 8, kGiB), (std::vector<std::size_t>{1, 0, 3}));
}

TEST(Divide, StarvesNobody) {
  EXPECT_EQ(divide({{8}, {1}, {2}}, 4, kGiB), (std::vector<std::size_t>{2, 1, 1}));
  EXPECT_EQ(divide({{1}, {8}}, 1, kGiB), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(divide({}, 4, kGiB), std::vector<std::size_t>{});
}

TEST(Divide, TakesNoMoreMemoryThanThereIs) {
  const Want jails{.count = 8};
  const Want machines{.count = 4, .bytes = kMachineSpareBytes};
  const std::uint64_t memory = kMachineSpareBytes + 3 * kSpareBytes;
  EXPECT_EQ(divide({jails, machines}, 16, memory), (std::vector<std::size_t>{3, 1}));
  EXPECT_EQ(divide({machines}, 16, kMachineSpareBytes - 1), std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace msb::engine
