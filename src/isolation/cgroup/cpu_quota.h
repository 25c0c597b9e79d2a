// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

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

}  // namespace msb::isolation::cgroup
