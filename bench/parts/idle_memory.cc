// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "base/try.h"
#include "bench/parts/parts.h"
#include "bench/process_tree.h"

namespace msb::bench {
namespace {

constexpr int kOurs = 40;
constexpr int kTheirs = 5;

using Figures = std::vector<std::optional<double>>;

Figures figures_of(const Memory& all, double beside_mib, std::size_t processes, double count) {
  return {all.private_mib / count, all.pss_mib / count, all.kernel_mib / count, beside_mib / count,
          static_cast<double>(processes) / count};
}

// Sandboxes of this process's own engine: what appears beneath it is theirs, and what grows of
// itself and its warden is "beside".
Result<Figures> ours(const Door& door) {
  std::deque<PythonSandbox> sandboxes;
  sandboxes.emplace_back(door.where);
  TRY(say_hi(sandboxes.front()));  // what is there once for all
  const std::vector<pid_t> before = tree_of(::getpid());
  const double before_mib = memory_of(before).private_mib;
  for (int i = 0; i < kOurs; ++i) {
    sandboxes.emplace_back(door.where);
    TRY(say_hi(sandboxes.back()));
  }
  std::vector<pid_t> fresh = tree_of(::getpid());
  std::erase_if(fresh, [&](pid_t pid) { return std::ranges::find(before, pid) != before.end(); });
  return figures_of(memory_of(fresh), memory_of(before).private_mib - before_mib, fresh.size(),
                    kOurs);
}

Result<Figures> theirs(const Peer& peer) {
  std::deque<IdleProgram> idle;
  std::vector<pid_t> processes;
  for (int i = 0; i < kTheirs; ++i) {
    const std::string name = fresh_name();
    IdleProgram one = TRY(IdleProgram::start(peer.idle(name)));
    idle.push_back(std::move(one));
    const std::vector<pid_t> own = peer.processes(name, idle.back());
    processes.insert(processes.end(), own.begin(), own.end());
  }
  return figures_of(memory_of(processes), 0, processes.size(), kTheirs);
}

}  // namespace

Result<> idle_memory(const Field& field, Report& report) {
  std::fprintf(stderr, "memory of an idle Python\n");
  FigureTable table{.id = "memory",
                    .title = "memory of an idle Python, each of 40 (of a peer: of 5)",
                    .unit = "MiB",
                    .note =
                        "private: pages of no other process. PSS: and its share of shared ones. "
                        "kernel: what the kernel charges to its cgroup for itself. beside: what "
                        "engine and warden grow by, of their own.",
                    .columns = {"private", "PSS", "kernel", "beside", "processes"},
                    .rows = {}};
  for (const auto& peer : field.peers) {
    FigureRow row{"memory." + peer->id(), peer->name(), {}, peer->missing()};
    if (row.not_run.empty()) {
      auto figures = theirs(*peer);
      row.not_run = figures ? "" : figures.error().message();
      row.figures = figures ? *std::move(figures) : Figures();
    }
    table.rows.push_back(std::move(row));
  }
  const Door& door = field.embedded();
  Figures figures = TRY(ours(door));
  table.rows.push_back({"memory." + door.id, door.name, std::move(figures), ""});
  report.tables.push_back(std::move(table));
  return {};
}

}  // namespace msb::bench
