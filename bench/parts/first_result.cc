// SPDX-License-Identifier: Apache-2.0
#include "base/try.h"
#include "bench/contest.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

Result<Laps> start_run_stop(const Door& door) {
  PythonSandbox sandbox(door.where);
  const auto begin = std::chrono::steady_clock::now();
  TRY(say_hi(sandbox));
  const double answered_ms = milliseconds_since(begin);
  TRY(sandbox.stop());
  const double gone_ms = milliseconds_since(begin);
  TRY(rest(door));
  return Laps{answered_ms, gone_ms};
}

}  // namespace

Result<> first_result(const Field& field, Report& report) {
  std::vector<Contender> contenders;
  contenders.reserve(field.peers.size() + field.doors.size() + 1);
  for (const auto& peer : field.peers) {
    contenders.push_back({.id = peer->id(),
                          .name = peer->name(),
                          .measure = [&] { return run_program(peer->hello(), "hi\n"); },
                          .every = peer->every(),
                          .not_run = peer->missing()});
  }
  for (const Door* door : field.doors_and_pool()) {
    contenders.push_back({.id = door->id,
                          .name = door->name,
                          .whose = Whose::kOurs,
                          .measure = [door] { return start_run_stop(*door); },
                          .not_run = door->not_run});
  }
  const std::vector<LapTitle> laps = {
      {.id = "start", .title = "start → print('hi') has answered, image cached", .unit = "ms"},
      {.id = "whole", .title = "start → print('hi') → nothing is left", .unit = "ms"}};
  for (Comparison& comparison : TRY(compare(laps, contenders, field.rounds))) {
    report.comparisons.push_back(std::move(comparison));
  }
  return {};
}

}  // namespace msb::bench
