// SPDX-License-Identifier: Apache-2.0
//
// Nobody between our calls, and many of them: of fifty, p99 is but the largest, and what a peer
// leaves behind for the kernel to clear away is not ours.
#include <deque>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/parts/parts.h"

namespace msb::bench {

Result<> alone(const Field& field, Report& report) {
  constexpr int kStartsFactor = 6;
  constexpr int kRunsFactor = 40;
  std::vector<Contender> starts;
  std::vector<Contender> runs;
  std::deque<PythonSandbox> sandboxes;
  for (const Door& door : field.doors) {
    starts.push_back({.id = door.id + ".start",
                      .name = door.name + ", start → print('hi')",
                      .whose = Whose::kOurs,
                      .measure =
                          [&] {
                            PythonSandbox sandbox(door.where);
                            return timed([&] { return say_hi(sandbox); });
                          },
                      .not_run = door.not_run});
    PythonSandbox& sandbox = sandboxes.emplace_back(door.where);
    runs.push_back({.id = door.id + ".code",
                    .name = door.name + ", code().run(\"1\")",
                    .whose = Whose::kOurs,
                    .measure = [&] { return timed([&] { return sandbox.code().run("1"); }); },
                    .not_run = door.not_run});
    runs.push_back({.id = door.id + ".exec",
                    .name = door.name + ", command().run(\"true\")",
                    .whose = Whose::kOurs,
                    .measure = [&] { return timed([&] { return sandbox.command().run("true"); }); },
                    .not_run = door.not_run});
    if (door.not_run.empty()) {
      TRY_WRAP(say_hi(sandbox), door.name);
    }
  }
  Comparison all =
      TRY(compare(LapTitle{.id = "alone", .title = "ours, with nobody between", .unit = "ms"}, runs,
                  field.rounds * kRunsFactor));
  sandboxes.clear();
  // One after the other: what one door's stop leaves to the kernel is not another's start.
  for (const Contender& start : starts) {
    const LapTitle lap{.id = "alone", .title = start.name, .unit = "ms"};
    Comparison one = TRY(compare(lap, {start}, field.rounds * kStartsFactor));
    all.series.push_back(std::move(one.series.front()));
  }
  report.comparisons.push_back(std::move(all));
  return {};
}

}  // namespace msb::bench
