// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>

namespace msb::isolation::cgroup {

inline constexpr std::uint64_t kCpuPeriodUs = 100'000;

// `cpus` cores as the kernel's bandwidth control counts them: microseconds in a period, of which
// its least is 1 ms.
inline std::uint64_t cpu_quota_us(double cpus) {
  constexpr double kMinQuotaUs = 1000;
  return static_cast<std::uint64_t>(std::max(kMinQuotaUs, std::round(cpus * double{kCpuPeriodUs})));
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
