// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <deque>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

const Argv kTrue = {"/bin/true"};
constexpr int kRoundsFactor = 4;  // calls are short
constexpr const char* kNsenter = "/usr/bin/nsenter";

// A peer's idle container, for as long as this lives.
struct Standing {
  const Peer* peer;
  std::string name = fresh_name();
  std::optional<IdleProgram> idle = std::nullopt;
};

Contender exec_of(Standing& standing) {
  const Peer& peer = *standing.peer;
  Contender contender{.id = peer.id(),
                      .name = peer.name() + " exec",
                      .every = peer.every() * kRoundsFactor,
                      .not_run = peer.missing()};
  if (!contender.not_run.empty()) {
    return contender;
  }
  auto idle = IdleProgram::start(peer.idle(standing.name));
  if (!idle) {
    contender.not_run = idle.error().message();
    return contender;
  }
  standing.idle.emplace(std::move(*idle));
  const auto argv = peer.exec(standing.name, *standing.idle, kTrue);
  if (!argv) {
    contender.not_run = "has no such thing";
    return contender;
  }
  contender.measure = [argv = *argv] { return run_program(argv, ""); };
  return contender;
}

// The namespaces of somebody else's container, without its runtime.
Contender nsenter_into(const Standing& standing) {
  Contender contender{.id = "nsenter", .name = "nsenter into a container of crun"};
  if (::access(kNsenter, X_OK) != 0 || !standing.idle) {
    contender.not_run = standing.idle ? "not installed" : "crun has no container here";
    return contender;
  }
  const std::vector<pid_t> inside = standing.peer->processes(standing.name, *standing.idle);
  const Argv argv = {kNsenter, "--target", std::to_string(inside.empty() ? 0 : inside.front()),
                     "--all", kTrue.front()};
  contender.measure = [argv] { return run_program(argv, ""); };
  return contender;
}

Result<> commands(const Field& field, std::deque<PythonSandbox>& sandboxes, Report& report) {
  std::vector<Contender> contenders = {{.id = "fork_exec",
                                        .name = "fork and exec, on the bare host",
                                        .measure = [] { return run_program(kTrue, ""); }}};
  std::deque<Standing> standing;  // measured by reference
  for (const auto& peer : field.peers) {
    // Those without an exec, and the second crun, have nothing to add.
    if (peer->kill("") && peer->id() != "crun_unlimited") {
      standing.push_back({peer.get()});
      contenders.push_back(exec_of(standing.back()));
      if (peer->id() == "crun") {
        contenders.push_back(nsenter_into(standing.back()));
      }
    }
  }
  auto next = sandboxes.begin();
  for (const Door& door : field.doors) {
    contenders.push_back(
        {.id = door.id,
         .name = door.name + ", command().run(\"true\")",
         .whose = Whose::kOurs,
         .measure = [&sandbox =
                         *next++] { return timed([&] { return sandbox.command().run("true"); }); },
         .not_run = door.not_run});
  }
  report.comparisons.push_back(
      TRY(compare(LapTitle{.id = "exec", .title = "true in a running one", .unit = "ms"},
                  contenders, field.rounds * kRoundsFactor)));
  return {};
}

Result<> calls(const Field& field, std::deque<PythonSandbox>& sandboxes, Report& report) {
  std::vector<Contender> code;
  std::vector<Contender> metrics;
  code.reserve(field.doors.size());
  metrics.reserve(field.doors.size());
  for (std::size_t i = 0; i < field.doors.size(); ++i) {
    const Door& door = field.doors[i];
    PythonSandbox& sandbox = sandboxes[i];
    code.push_back({.id = door.id,
                    .name = door.name,
                    .whose = Whose::kOurs,
                    .measure = [&] { return timed([&] { return sandbox.code().run("1"); }); },
                    .not_run = door.not_run});
    metrics.push_back({.id = door.id,
                       .name = door.name,
                       .whose = Whose::kOurs,
                       .measure = [&] { return timed([&] { return sandbox.metrics().all(); }); },
                       .not_run = door.not_run});
  }
  const int rounds = field.rounds * kRoundsFactor;
  report.comparisons.push_back(TRY(
      compare(LapTitle{.id = "code", .title = "code().run(\"1\")", .unit = "ms"}, code, rounds)));
  report.comparisons.push_back(TRY(compare(
      LapTitle{.id = "metrics", .title = "metrics().all()", .unit = "ms"}, metrics, rounds)));
  return {};
}

Result<Laps> stop_of(const Door& door) {
  PythonSandbox sandbox(door.where);
  TRY(say_hi(sandbox));
  return timed([&] { return sandbox.stop(); });
}

Result<Laps> end_of(const Peer& peer) {
  const std::string name = fresh_name();
  IdleProgram idle = TRY(IdleProgram::start(peer.idle(name)));
  return timed([&]() -> Result<> {
    (void)TRY(drain_program(*peer.kill(name)));
    return idle.wait_for_the_end();
  });
}

Result<> stops(const Field& field, Report& report) {
  std::vector<Contender> contenders;
  contenders.reserve(field.doors.size() + field.peers.size());
  for (const Door& door : field.doors) {
    contenders.push_back({.id = door.id,
                          .name = door.name + ", stop()",
                          .whose = Whose::kOurs,
                          .measure = [&] { return stop_of(door); },
                          .not_run = door.not_run});
  }
  for (const auto& peer : field.peers) {
    if (peer->kill("") && peer->id() != "crun_unlimited") {
      contenders.push_back({.id = peer->id(),
                            .name = peer->name() + " kill",
                            .measure = [&] { return end_of(*peer); },
                            .every = peer->every(),
                            .not_run = peer->missing()});
    }
  }
  report.comparisons.push_back(
      TRY(compare(LapTitle{.id = "stop", .title = "stop, until nothing is left", .unit = "ms"},
                  contenders, field.rounds)));
  return {};
}

}  // namespace

Result<> running_one(const Field& field, Report& report) {
  std::deque<PythonSandbox> sandboxes;  // one behind each door
  for (const Door& door : field.doors) {
    PythonSandbox& sandbox = sandboxes.emplace_back(door.where);
    if (door.not_run.empty()) {
      TRY_WRAP(say_hi(sandbox), door.name);
    }
  }
  TRY(commands(field, sandboxes, report));
  TRY(calls(field, sandboxes, report));
  return stops(field, report);
}

}  // namespace msb::bench
