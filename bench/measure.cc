// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/try.h"

namespace msb::bench {

double Samples::percentile(double share) const {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(ms.size())));
  return ms[std::clamp<std::size_t>(rank, 1, ms.size()) - 1];
}

Result<std::vector<Samples>> compare(const std::vector<Contender>& contenders, int rounds) {
  std::vector<Samples> rows;
  rows.reserve(contenders.size());
  for (const Contender& contender : contenders) {
    rows.push_back({contender.name, {}});
  }
  for (int round = -1; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const auto took = TRY_WRAP(contenders[i].measure(), contenders[i].name);
      if (round >= 0) {
        rows[i].ms.push_back(std::chrono::duration<double, std::milli>(took).count());
      }
    }
  }
  for (Samples& row : rows) {
    std::ranges::sort(row.ms);
  }
  return rows;
}

void print_table(const std::string& title, const std::vector<Samples>& rows) {
  std::printf("\n%s\n  %-44s %9s %9s %9s %9s\n", title.c_str(), "", "p50 ms", "p90 ms", "p99 ms",
              "ratio");
  const double baseline = rows.front().percentile(0.5);
  for (const Samples& row : rows) {
    const double median = row.percentile(0.5);
    std::printf("  %-44s %9.3f %9.3f %9.3f %8.2fx\n", row.name.c_str(), median, row.percentile(0.9),
                row.percentile(0.99), median / baseline);
  }
}

}  // namespace msb::bench
