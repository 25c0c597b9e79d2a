// SPDX-License-Identifier: Apache-2.0
//
// What one more costs beside those that are there, and what all of them cost to list.
#include <algorithm>
#include <deque>
#include <fstream>

#include "base/parse.h"
#include "base/try.h"
#include "bench/contest.h"
#include "bench/crowd.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

constexpr std::array kLevels = {1, 10, 100, 1000};
constexpr int kSamples = 20;
constexpr double kMibEach = 12;  // and some to spare

double available_mib() {
  std::ifstream lines("/proc/meminfo");
  for (std::string word; lines >> word;) {
    if (double kib = 0; word == "MemAvailable:" && lines >> kib) {
      return kib / 1024;
    }
  }
  return 0;
}

// Medians at one number of live sandboxes, in the order of kRows.
constexpr std::array kRows = {
    std::pair{"start", "start → print('hi') of one more"},
    std::pair{"stop", "stop of that one"},
    std::pair{"run", "code().run(\"1\") in one"},
    std::pair{"metrics", "metrics().all() of one"},
    std::pair{"list", "Engine::list(), all"},
    std::pair{"list_metrics", "Sandbox::list(), all with metrics"},
    std::pair{"each", "a run in every one, one after the other, for each"},
};
using Medians = std::array<double, kRows.size()>;

Result<Medians> measure(const Door& door, std::deque<PythonSandbox>& alive) {
  std::array<std::vector<double>, kRows.size()> took_ms;
  const auto add = [&](std::size_t row, auto work) -> Result<> {
    took_ms[row].push_back(TRY(timed(work)).front());
    return {};
  };
  for (int i = 0; i < kSamples; ++i) {
    PythonSandbox& one = alive[static_cast<std::size_t>(i) % alive.size()];
    PythonSandbox more(door.where);
    TRY(add(0, [&] { return say_hi(more); }));
    TRY(add(1, [&] { return more.stop(); }));
    TRY(add(2, [&] { return one.code().run("1"); }));
    TRY(add(3, [&] { return one.metrics().all(); }));
    TRY(add(4, [&] { return door.where.engine->list("*"); }));
    TRY(add(5, [&] { return Sandbox::list(door.where); }));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (PythonSandbox& sandbox : alive) {
    const CodeExecution run = TRY(sandbox.code().run("1"));
    if (run.output() != "1") {
      return fail(ErrorCode::kInternal, "unexpected output: " + run.output() + run.error());
    }
  }
  took_ms[6] = {milliseconds_since(begin) / static_cast<double>(alive.size())};
  Medians medians{};
  for (std::size_t row = 0; row < medians.size(); ++row) {
    medians[row] = Samples(std::move(took_ms[row])).median();
  }
  return medians;
}

// Until `count` are alive.
Result<> fill(const Field& field, const Door& door, std::deque<PythonSandbox>& alive, int count) {
  while (static_cast<int>(alive.size()) < count) {
    if (is_interrupted()) {
      return fail(ErrorCode::kCancelled, "interrupted");
    }
    const int lacking = count - static_cast<int>(alive.size());
    const int together = std::min(lacking, static_cast<int>(field.cores) * 2);
    const std::size_t first = alive.size();
    for (int i = 0; i < together; ++i) {
      alive.emplace_back(door.where);
    }
    TRY(all_at_once(together,
                    [&](int i) { return say_hi(alive[first + static_cast<std::size_t>(i)]); }));
  }
  return {};
}

}  // namespace

Result<> growth(const Field& field, Report& report) {
  FigureTable table{.id = "growth",
                    .title = "with so many sandboxes alive (medians of 20)",
                    .unit = "ms",
                    .note = "",
                    .columns = {},
                    .rows = {}};
  for (const auto& [id, name] : kRows) {
    table.rows.push_back({std::string("growth.") + id, name, {}, ""});
  }
  const Door& door = field.embedded();
  std::deque<PythonSandbox> alive;
  for (const int level : kLevels) {
    std::fprintf(stderr, "%d alive\n", level);
    table.columns.push_back(std::to_string(level));
    const double needed_mib = kMibEach * (level - static_cast<int>(alive.size()));
    if (level > field.most_alive || needed_mib > available_mib()) {
      table.note +=
          (table.note.empty() ? "" : " ") + std::to_string(level) + " not run: " +
          (level > field.most_alive ? "--alive says at most " + std::to_string(field.most_alive)
                                    : "there is no memory for them") +
          ".";
      for (FigureRow& row : table.rows) {
        row.figures.emplace_back(std::nullopt);
      }
      continue;
    }
    TRY(fill(field, door, alive, level));
    const Medians medians = TRY(measure(door, alive));
    for (std::size_t row = 0; row < medians.size(); ++row) {
      table.rows[row].figures.emplace_back(medians[row]);
    }
  }
  const int threads = static_cast<int>(field.cores) * 2;
  const auto stop_share = [&](int thread) -> Result<> {
    for (std::size_t i = static_cast<std::size_t>(thread); i < alive.size();
         i += static_cast<std::size_t>(threads)) {
      TRY(alive[i].stop());
    }
    return {};
  };
  TRY(all_at_once(threads, stop_share));
  report.tables.push_back(std::move(table));
  return {};
}

}  // namespace msb::bench
