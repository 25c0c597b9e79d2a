// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

constexpr int kMib = 128;
constexpr int kMibOfSlow = 16;  // whose rate is a small part of the others'
constexpr int kRounds = 10;

Result<Laps> rate_of(int mib, const std::function<Result<std::size_t>()>& pour) {
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t bytes = TRY(pour());
  const double ms = milliseconds_since(begin);
  if (bytes != static_cast<std::size_t>(mib) << 20) {
    return fail(ErrorCode::kInternal, "of the output " + std::to_string(bytes) + " bytes came");
  }
  return Laps{mib * 1000.0 / ms};
}

Argv head(int mib) {
  return {"/usr/bin/head", "-c", std::to_string(mib) + "M", "/dev/zero"};
}

Result<std::size_t> pour(PythonSandbox& sandbox, int mib) {
  std::size_t bytes = 0;
  CommandOptions options;
  options.on_output = [&](Stream, std::string_view chunk) { bytes += chunk.size(); };
  const Argv command = head(mib);
  TRY(sandbox.command().run(command.front(), {command.begin() + 1, command.end()}, options));
  return bytes;
}

}  // namespace

Result<> bulk_output(const Field& field, Report& report) {
  struct Standing {
    std::string name = fresh_name();
    std::optional<IdleProgram> idle;
  };
  std::vector<Contender> contenders = {
      {.id = "host", .name = "the bare host, a pipe", .measure = [] {
         return rate_of(kMib, [] { return drain_program(head(kMib)); });
       }}};
  std::deque<Standing> standing;
  for (const auto& peer : field.peers) {
    if (!peer->kill("") || peer->id() == "crun_unlimited") {
      continue;
    }
    Contender contender{.id = peer->id(),
                        .name = peer->name() + " exec",
                        .every = peer->every(),
                        .not_run = peer->missing()};
    if (contender.not_run.empty()) {
      Standing& container = standing.emplace_back();
      auto idle = IdleProgram::start(peer->idle(container.name));
      if (idle) {
        const IdleProgram& program = container.idle.emplace(std::move(*idle));
        const int mib = peer->id() == "runsc" ? kMibOfSlow : kMib;
        contender.measure =
            [mib, argv = peer->exec(container.name, program, head(mib)).value_or(Argv())] {
              return rate_of(mib, [&] { return drain_program(argv); });
            };
      } else {
        contender.not_run = idle.error().message();
      }
    }
    contenders.push_back(std::move(contender));
  }
  std::deque<PythonSandbox> sandboxes;
  for (const Door& door : field.doors) {
    PythonSandbox& sandbox = sandboxes.emplace_back(door.where);
    if (door.not_run.empty()) {
      TRY_WRAP(say_hi(sandbox), door.name);
    }
    contenders.push_back(
        {.id = door.id,
         .name = door.name + ", command().run(\"head\")",
         .whose = Whose::kOurs,
         .measure = [&] { return rate_of(kMib, [&] { return pour(sandbox, kMib); }); },
         .every = door.where.server_url.empty() ? 1 : 2,
         .not_run = door.not_run});
  }
  report.comparisons.push_back(TRY(compare(LapTitle{.id = "bulk",
                                                    .title = "output of a command, 128 MiB",
                                                    .unit = "MiB/s",
                                                    .better = Better::kMore},
                                           contenders, std::min(field.rounds, kRounds))));
  return {};
}

}  // namespace msb::bench
