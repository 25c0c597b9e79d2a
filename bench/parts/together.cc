// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <map>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/crowd.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

constexpr int kTogether = 60;
constexpr int kTogetherRounds = 6;  // of sixty answers each

// Until the last one has answered; `answers` gets the time of each.
Result<Laps> until_all(std::vector<double>& answers, const std::function<Result<>(int)>& work) {
  const std::vector<double> took = TRY(all_at_once(kTogether, work));
  answers.insert(answers.end(), took.begin(), took.end());
  return Laps{std::ranges::max(took)};
}

Result<Laps> ours(const Door& door, std::vector<double>& answers) {
  std::deque<PythonSandbox> sandboxes;
  for (int i = 0; i < kTogether; ++i) {
    sandboxes.emplace_back(door.where);
  }
  Laps laps = TRY(
      until_all(answers, [&](int i) { return say_hi(sandboxes[static_cast<std::size_t>(i)]); }));
  TRY(all_at_once(kTogether, [&](int i) { return sandboxes[static_cast<std::size_t>(i)].stop(); }));
  return laps;
}

Result<Laps> theirs(const Peer& peer, std::vector<double>& answers) {
  return until_all(answers, [&](int) -> Result<> {
    TRY(run_program(peer.hello(), "hi\n"));
    return {};
  });
}

}  // namespace

Result<> together(const Field& field, Report& report) {
  std::map<std::string, std::vector<double>> answers;
  std::vector<Contender> contenders;
  contenders.reserve(field.peers.size() + field.doors.size() + 1);
  for (const auto& peer : field.peers) {
    contenders.push_back({.id = peer->id(),
                          .name = peer->name(),
                          .measure = [&, &all = answers[peer->id()]] { return theirs(*peer, all); },
                          .every = peer->every() * 2,
                          .not_run = peer->missing()});
  }
  for (const Door* door : field.doors_and_pool()) {
    contenders.push_back({.id = door->id,
                          .name = door->name,
                          .whose = Whose::kOurs,
                          .measure = [door, &all = answers[door->id]] { return ours(*door, all); },
                          .not_run = door->not_run});
  }
  Comparison last =
      TRY(compare(LapTitle{.id = "together",
                           .title = "60 started at once, until the last one has answered",
                           .unit = "ms",
                           .note = "A peer's answer is its end."},
                  contenders, std::min(field.rounds, kTogetherRounds)));
  Comparison each{"together_each", "60 started at once, each answer", "ms", last.note, {}};
  for (const Series& series : last.series) {
    const std::string contender = series.id.substr(last.id.size() + 1);
    std::vector<double>& all = answers[contender];
    if (series.not_run.empty()) {
      all.erase(all.begin(), all.begin() + kTogether);  // of the untimed round
    }
    each.series.push_back({each.id + "." + contender, series.name, series.whose,
                           Samples(series.not_run.empty() ? all : std::vector<double>()),
                           series.not_run});
  }
  report.comparisons.push_back(std::move(last));
  report.comparisons.push_back(std::move(each));
  return {};
}

}  // namespace msb::bench
