// SPDX-License-Identifier: Apache-2.0
//
// Contenders measured in turns: one round measures every one of them once, in an order of its own,
// so that a slow minute of the machine slows all of them, and nobody always comes after the same
// one.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "bench/report.h"
#include "msb/result.h"

namespace msb::bench {

// One go at the work may give several values: "first result", "all gone".
using Laps = std::vector<double>;

struct Contender {
  std::string id;
  std::string name;
  Whose whose = Whose::kTheirs;
  std::function<Result<Laps>()> measure = {};
  // Takes part in every n-th round, for who needs long.
  int every = 1;
  // Set: it is not measured, and this is why.
  std::string not_run = {};
};

// What a lap is called in the report, and what it is counted in.
struct LapTitle {
  std::string id;
  std::string title;
  Unit unit;
  std::string note = {};
  Better better = Better::kLess;
};

// One untimed go each to warm up, then `rounds` of all contenders in turns. A comparison for each
// lap; a series' id is "<lap>.<contender>". Who fails is out, and the error is the reason; ours
// failing, and ^C, is an error.
Result<std::vector<Comparison>> compare(const std::vector<LapTitle>& laps,
                                        const std::vector<Contender>& contenders, int rounds);
// The same of work with one lap.
Result<Comparison> compare(const LapTitle& lap, const std::vector<Contender>& contenders,
                           int rounds);

// ^C and SIGTERM end a contest in order from here on, so that the peers' containers go as well.
void end_in_order_on_signals();
bool is_interrupted();

double milliseconds_since(std::chrono::steady_clock::time_point begin);

// The time `work` takes, as the only lap.
template <typename Work>
Result<Laps> timed(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  if (auto done = work(); !done) {
    return std::unexpected(std::move(done).error());
  }
  return Laps{milliseconds_since(begin)};
}

}  // namespace msb::bench
