// SPDX-License-Identifier: Apache-2.0
//
// Nobody between our calls, and many of them: of fifty, p99 is but the largest, and what a peer
// leaves behind for the kernel to clear away is not ours.
#include <deque>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

constexpr int kStartsFactor = 6;  // of the rounds
constexpr int kRunsFactor = 40;

Result<Comparison> calls(const Field& field) {
  std::deque<PythonSandbox> sandboxes;
  std::vector<Contender> contenders;
  contenders.reserve(2 * field.doors.size());
  for (const Door& door : field.doors) {
    PythonSandbox& sandbox = sandboxes.emplace_back(door.where);
    if (door.not_run.empty()) {
      TRY_WRAP(say_hi(sandbox), door.name);
    }
    contenders.push_back(
        {.id = door.id + ".code",
         .name = door.name + ", code().run(\"1\")",
         .whose = Whose::kOurs,
         .measure = [&sandbox] { return timed([&] { return sandbox.code().run("1"); }); },
         .not_run = door.not_run});
    contenders.push_back(
        {.id = door.id + ".exec",
         .name = door.name + ", command().run(\"true\")",
         .whose = Whose::kOurs,
         .measure = [&sandbox] { return timed([&] { return sandbox.command().run("true"); }); },
         .not_run = door.not_run});
  }
  return compare(LapTitle{.id = "alone", .title = "ours, with nobody between", .unit = "ms"},
                 contenders, field.rounds * kRunsFactor);
}

Result<Laps> start(const Door& door) {
  TRY(rest(door));
  PythonSandbox sandbox(door.where);
  return timed([&] { return say_hi(sandbox); });
}

}  // namespace

Result<> alone(const Field& field, Report& report) {
  Comparison all = TRY(calls(field));
  // One after the other: what one door's stop leaves to the kernel is not another's start.
  for (const Door* door : field.doors_and_pool()) {
    const Contender contender{.id = door->id + ".start",
                              .name = door->name + ", start → print('hi')",
                              .whose = Whose::kOurs,
                              .measure = [door] { return start(*door); },
                              .not_run = door->not_run};
    const LapTitle lap{.id = "alone", .title = contender.name, .unit = "ms"};
    Comparison one = TRY(compare(lap, {contender}, field.rounds * kStartsFactor));
    all.series.push_back(std::move(one.series.front()));
  }
  report.comparisons.push_back(std::move(all));
  return {};
}

}  // namespace msb::bench
