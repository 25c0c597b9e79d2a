// SPDX-License-Identifier: Apache-2.0
#include "bench/contest.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <numeric>
#include <random>

#include "base/try.h"

namespace msb::bench {
namespace {

std::atomic<bool> interrupted = false;

// A contender in the middle of a contest.
struct Runner {
  const Contender* contender;
  std::vector<std::vector<double>> laps;
  std::string not_run;

  Result<> go(std::size_t lap_count) {
    auto measured = contender->measure();
    if (!measured && contender->whose == Whose::kOurs) {
      return std::unexpected(std::move(measured).error().wrap(contender->name));
    }
    if (!measured) {
      not_run = measured.error().message();
      return {};
    }
    laps.resize(lap_count);
    for (std::size_t i = 0; i < lap_count; ++i) {
      laps[i].push_back((*measured)[i]);
    }
    return {};
  }
};

Comparison comparison_of(const LapTitle& title, std::size_t lap,
                         const std::vector<Runner>& runners) {
  Comparison comparison{title.id, title.title, title.unit, title.note, {}, title.better};
  for (const Runner& runner : runners) {
    Series series{title.id + "." + runner.contender->id,
                  runner.contender->name,
                  runner.contender->whose,
                  {},
                  runner.not_run};
    if (series.not_run.empty()) {
      series.samples = Samples(runner.laps[lap]);
    }
    comparison.series.push_back(std::move(series));
  }
  return comparison;
}

}  // namespace

Result<std::vector<Comparison>> compare(const std::vector<LapTitle>& laps,
                                        const std::vector<Contender>& contenders, int rounds) {
  std::fprintf(stderr, "%s\n", laps.front().title.c_str());
  std::vector<Runner> runners;
  runners.reserve(contenders.size());
  for (const Contender& contender : contenders) {
    runners.push_back({&contender, {}, contender.not_run});
  }
  std::vector<std::size_t> order(runners.size());
  std::iota(order.begin(), order.end(), 0);
  std::minstd_rand shuffler;  // the same orders in every run
  for (int round = -1; round < rounds; ++round) {
    std::ranges::shuffle(order, shuffler);
    for (const std::size_t i : order) {
      Runner& runner = runners[i];
      const bool takes_part = round < 0 || round % runner.contender->every == 0;
      if (!runner.not_run.empty() || !takes_part) {
        continue;
      }
      TRY(runner.go(laps.size()));
      if (is_interrupted()) {
        return fail(ErrorCode::kCancelled, "interrupted");
      }
    }
    if (round < 0) {
      for (Runner& runner : runners) {
        runner.laps.clear();
      }
    }
  }
  std::vector<Comparison> comparisons;
  comparisons.reserve(laps.size());
  for (std::size_t lap = 0; lap < laps.size(); ++lap) {
    comparisons.push_back(comparison_of(laps[lap], lap, runners));
  }
  return comparisons;
}

Result<Comparison> compare(const LapTitle& lap, const std::vector<Contender>& contenders,
                           int rounds) {
  std::vector<Comparison> comparisons = TRY(compare(std::vector{lap}, contenders, rounds));
  return std::move(comparisons.front());
}

void end_in_order_on_signals() {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    std::signal(signal_number, [](int) { interrupted = true; });
  }
  std::signal(SIGPIPE, SIG_IGN);
}

bool is_interrupted() {
  return interrupted;
}

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

}  // namespace msb::bench
