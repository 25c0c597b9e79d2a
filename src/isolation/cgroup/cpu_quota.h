// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>

namespace msb::isolation::cgroup {

struct CpuQuota {
  std::uint64_t quota_us;
  std::uint64_t period_us;
};

// `cpus` cores as the kernel's bandwidth control counts them; its least quota is 1 ms.
inline CpuQuota cpu_quota(double cpus) {
  constexpr std::uint64_t kPeriodUs = 100'000;
  constexpr double kMinQuotaUs = 1000;
  const double quota_us = std::max(kMinQuotaUs, std::round(cpus * double{kPeriodUs}));
  return {static_cast<std::uint64_t>(quota_us), kPeriodUs};
}

// What an engine's group weighs against the host's other work: as much as one process on each
// processor. A group counts once on the whole host, however many sandboxes are busy in it, so with
// the weight of one process all of them together would get a processor's fraction, and one that
// uses up that fraction would make its neighbours wait. `one` is what a process weighs.
inline std::uint64_t engine_weight(std::uint64_t one, std::uint64_t highest,
                                   unsigned processors = std::thread::hardware_concurrency()) {
  return std::min(one * std::max(processors, 1u), highest);
}

}  // namespace msb::isolation::cgroup
