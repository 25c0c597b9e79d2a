// SPDX-License-Identifier: Apache-2.0
//
// The same work within each tier's walls. Of the tiers those take part that this host has.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <utility>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/parts/parts.h"
#include "bench/process_tree.h"

namespace msb::bench {
namespace {

struct Tier {
  const char* id;
  const char* isolation;
  // Takes part in every n-th round: of starts, and of scripts that it is slow at.
  int every_start;
  int every_work;
};

constexpr std::array kTiers = {Tier{"jail", "jail", 1, 1}, Tier{"crun", "oci:crun", 1, 1},
                               Tier{"runc", "oci:runc", 1, 1}, Tier{"runsc", "oci:runsc", 2, 5},
                               Tier{"microvm", "microvm", 6, 5}};
constexpr int kCallsFactor = 4;  // calls are short

// Half as many as elsewhere: a machine's take seconds.
int rounds_of(const Field& field) {
  return std::max(field.rounds / 2, 1);
}

constexpr int kIdle = 3;
constexpr std::size_t kMachineSpares = 2;
constexpr const char* kCompute = "x = 0\nfor i in range(1_000_000):\n    x += i";
constexpr const char* kAsk = "import os\nfor _ in range(20_000):\n    s = os.stat('/')";

StartConfig config_of(const Tier& tier) {
  StartConfig config;
  config.isolation = tier.isolation;
  return config;
}

bool is_machine(const Tier& tier) {
  return config_of(tier).isolation == "microvm";
}

// A tier in this run: why it does not take part, or its sandboxes.
struct Entrant {
  const Tier* tier;
  std::string not_run = {};
  std::optional<PythonSandbox> with_files = std::nullopt;  // a machine's, which makes it boot
  std::deque<PythonSandbox> idle = {};
};

// Makes what is made once for all: an image's file, a template.
Result<> enter(const Field& field, Entrant& entrant) {
  SandboxOptions where = field.embedded().where;
  if (!is_machine(*entrant.tier)) {
    PythonSandbox sandbox(where);
    return say_hi(sandbox, config_of(*entrant.tier));
  }
  where.name = fresh_name();
  PythonSandbox& sandbox = entrant.with_files.emplace(where);
  TRY(say_hi(sandbox, config_of(*entrant.tier)));
  return sandbox.stop();
}

Result<Laps> start_and_stop(PythonSandbox& sandbox, const StartConfig& config) {
  Laps laps = TRY(timed([&] { return say_hi(sandbox, config); }));
  laps.push_back(TRY(timed([&] { return sandbox.stop(); })).front());
  return laps;
}

Result<Laps> fresh_start(const Door& door, const Tier& tier) {
  PythonSandbox sandbox(door.where);
  Laps laps = TRY(start_and_stop(sandbox, config_of(tier)));
  TRY(rest(door));
  return laps;
}

Contender contender_of(const Entrant& entrant, int every, std::function<Result<Laps>()> measure) {
  return {.id = entrant.tier->id,
          .name = entrant.tier->isolation,
          .whose = Whose::kOurs,
          .measure = std::move(measure),
          .every = every,
          .not_run = entrant.not_run};
}

Result<> starts(const Field& field, std::deque<Entrant>& entrants, Report& report) {
  std::vector<Contender> cold;
  std::vector<Contender> ready;
  std::optional<Door> machines;
  for (Entrant& entrant : entrants) {
    const Tier& tier = *entrant.tier;
    cold.push_back(contender_of(entrant, tier.every_start, [&field, &entrant] {
      return entrant.with_files ? start_and_stop(*entrant.with_files, config_of(*entrant.tier))
                                : fresh_start(field.embedded(), *entrant.tier);
    }));
    if (is_machine(tier)) {
      ready.push_back(contender_of(
          entrant, 1, [&field, &tier] { return fresh_start(field.embedded(), tier); }));
      if (entrant.not_run.empty()) {
        machines = pooled_door(kMachineSpares, config_of(tier));
        ready.push_back(
            contender_of(entrant, 1, [&machines, &tier] { return fresh_start(*machines, tier); }));
        ready.back().id = "microvm_pool";
        ready.back().name = "microvm, from its pool";
        ready.back().not_run = machines->not_run;
      }
    } else if (tier.id == std::string_view("jail")) {
      ready.push_back(
          contender_of(entrant, 1, [&field, &tier] { return fresh_start(field.pooled, tier); }));
      ready.back().not_run = field.pooled.not_run;
    }
  }
  const std::vector<LapTitle> laps = {
      {.id = "tier_cold",
       .title = "start → print('hi') has answered, by tier, nothing prepared",
       .unit = "ms",
       .note = "microvm: boots, since there are files of an earlier start."},
      {.id = "tier_stop", .title = "stop, until nothing is left, by tier", .unit = "ms"}};
  for (Comparison& comparison : TRY(compare(laps, cold, rounds_of(field)))) {
    report.comparisons.push_back(std::move(comparison));
  }
  report.comparisons.push_back(TRY(
      compare(LapTitle{.id = "tier_ready",
                       .title = "start → print('hi') has answered, by tier, prepared",
                       .unit = "ms",
                       .note = "jail: from a pool. microvm: a clone of a template; in a pool, one "
                               "that stands still."},
              ready, rounds_of(field))));
  return {};
}

// Leaves the sandboxes running.
Result<std::vector<std::optional<double>>> idle_memory_of(const Door& door, Entrant& entrant) {
  const std::vector<pid_t> before = tree_of(::getpid());
  for (int i = 0; i < kIdle; ++i) {
    TRY(say_hi(entrant.idle.emplace_back(door.where), config_of(*entrant.tier)));
  }
  std::vector<pid_t> fresh = tree_of(::getpid());
  std::erase_if(fresh, [&](pid_t pid) { return std::ranges::find(before, pid) != before.end(); });
  const Memory all = memory_of(fresh);
  return {
      {all.private_mib / kIdle, all.pss_mib / kIdle, static_cast<double>(fresh.size()) / kIdle}};
}

Result<> memory(const Field& field, std::deque<Entrant>& entrants, Report& report) {
  FigureTable table{.id = "tier_memory",
                    .title = "memory of an idle Python by tier, each of 3",
                    .unit = "MiB",
                    .note =
                        "What the host's processes hold: sandbox, agent and Python, and what the "
                        "tier runs around them.",
                    .columns = {"private", "PSS", "processes"},
                    .rows = {}};
  for (Entrant& entrant : entrants) {
    FigureRow row{std::string("tier_memory.") + entrant.tier->id,
                  entrant.tier->isolation,
                  {},
                  entrant.not_run};
    if (row.not_run.empty()) {
      row.figures = TRY(idle_memory_of(field.embedded(), entrant));
    }
    table.rows.push_back(std::move(row));
  }
  report.tables.push_back(std::move(table));
  return {};
}

template <typename Work>
Result<> contest(std::deque<Entrant>& entrants, const LapTitle& title, int rounds, bool is_heavy,
                 Work work, Report& report) {
  std::vector<Contender> contenders;
  contenders.reserve(entrants.size());
  for (Entrant& entrant : entrants) {
    contenders.push_back(
        contender_of(entrant, is_heavy ? entrant.tier->every_work : 1, [&entrant, work] {
          PythonSandbox& sandbox = entrant.idle.front();
          return timed([&] { return work(sandbox); });
        }));
  }
  report.comparisons.push_back(TRY(compare(title, contenders, rounds)));
  return {};
}

}  // namespace

Result<> tiers(const Field& field, Report& report) {
  std::deque<Entrant> entrants;
  for (const Tier& tier : kTiers) {
    Entrant& entrant = entrants.emplace_back(&tier);
    if (const auto entered = enter(field, entrant); !entered) {
      entrant.not_run = entered.error().message();
    }
  }
  const auto measured = [&]() -> Result<> {
    TRY(starts(field, entrants, report));
    TRY(memory(field, entrants, report));
    const int rounds = rounds_of(field);
    const int calls = rounds * kCallsFactor;
    const auto code = [](const char* text) {
      return [text](PythonSandbox& sandbox) { return sandbox.code().run(text); };
    };
    TRY(contest(entrants, {.id = "tier_code", .title = "code().run(\"1\"), by tier", .unit = "ms"},
                calls, false, code("1"), report));
    TRY(contest(
        entrants, {.id = "tier_exec", .title = "command().run(\"true\"), by tier", .unit = "ms"},
        calls, false, [](PythonSandbox& sandbox) { return sandbox.command().run("true"); },
        report));
    TRY(contest(
        entrants,
        {.id = "tier_cpu", .title = "a loop of 1,000,000 turns in Python, by tier", .unit = "ms"},
        rounds, true, code(kCompute), report));
    return contest(entrants,
                   {.id = "tier_calls", .title = "20,000 × stat in Python, by tier", .unit = "ms"},
                   rounds, true, code(kAsk), report);
  }();
  for (Entrant& entrant : entrants) {
    if (entrant.with_files) {
      TRY(entrant.with_files->remove());
    }
  }
  return measured;
}

}  // namespace msb::bench
