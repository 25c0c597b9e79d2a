// SPDX-License-Identifier: Apache-2.0
#include "latency.h"

#include <algorithm>

#include "base/percentile.h"

namespace msb::security {
namespace {

using Clock = std::chrono::steady_clock;

template <typename Call>
void sample(Samples& samples, std::string& failure, const Call& call) {
  const Clock::time_point begun = Clock::now();
  const std::string wrong = call();
  samples.add(Clock::now() - begun);
  if (!wrong.empty() && failure.empty()) {
    failure = wrong;
  }
}

}  // namespace

double Samples::percentile(double fraction) const {
  if (values_.empty()) {
    return 0;
  }
  std::vector<double> sorted = values_;
  std::ranges::sort(sorted);
  return base::percentile(sorted, fraction);
}

Latency measure(PythonSandbox& sandbox, const std::function<bool()>& goes_on) {
  Latency latency;
  do {
    sample(latency.code, latency.failure, [&]() -> std::string {
      const auto ran = sandbox.code().run("1");
      if (!ran) {
        return ran.error().message();
      }
      return ran->status() == "success" && ran->output() == "1" ? "" : "code: " + ran->output();
    });
    sample(latency.command, latency.failure, [&]() -> std::string {
      const auto ran = sandbox.command().run("true");
      if (!ran) {
        return ran.error().message();
      }
      return ran->is_success() ? "" : "true: " + std::to_string(ran->exit_code());
    });
  } while (goes_on());
  return latency;
}

}  // namespace msb::security
