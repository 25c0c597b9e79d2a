// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/crowd.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

constexpr std::chrono::milliseconds kSlice{700};
constexpr int kThroughputRounds = 10;
// Two for each core: while one waits for its answer another one works.
constexpr int kThreadsPerCore = 2;

// How often a second `work` is done, by all threads together.
Result<Laps> rate_of(unsigned cores, const std::function<Result<>()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<int> done = 0;
  const auto until_the_end = [&](int) -> Result<> {
    while (std::chrono::steady_clock::now() - begin < kSlice) {
      TRY(work());
      ++done;
    }
    return {};
  };
  TRY(all_at_once(static_cast<int>(cores) * kThreadsPerCore, until_the_end));
  return Laps{done * 1000.0 / milliseconds_since(begin)};
}

Result<> one_shot(const Door& door) {
  PythonSandbox sandbox(door.where);
  TRY(say_hi(sandbox));
  return sandbox.stop();
}

Result<> one_shot(const Peer& peer) {
  TRY(run_program(peer.hello(), "hi\n"));
  return {};
}

}  // namespace

Result<> throughput(const Field& field, Report& report) {
  std::vector<Contender> contenders;
  contenders.reserve(field.peers.size() + field.doors.size() + 1);
  for (const auto& peer : field.peers) {
    contenders.push_back(
        {.id = peer->id(),
         .name = peer->name(),
         .measure = [&] { return rate_of(field.cores, [&] { return one_shot(*peer); }); },
         .every = peer->every(),
         .not_run = peer->missing()});
  }
  for (const Door* door : field.doors_and_pool()) {
    contenders.push_back(
        {.id = door->id,
         .name = door->name,
         .whose = Whose::kOurs,
         .measure = [&field,
                     door] { return rate_of(field.cores, [&] { return one_shot(*door); }); },
         .not_run = door->not_run});
  }
  report.comparisons.push_back(
      TRY(compare(LapTitle{.id = "rate",
                           .title = "start → print('hi') → nothing is left, on all cores",
                           .unit = "per s",
                           .better = Better::kMore},
                  contenders, std::min(field.rounds, kThroughputRounds))));
  return {};
}

}  // namespace msb::bench
