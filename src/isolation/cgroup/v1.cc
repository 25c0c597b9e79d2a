// SPDX-License-Identifier: Apache-2.0
//
// A process enters by writing "0" to `tasks`, not its pid to `cgroup.procs`: moving the calling
// thread alone spares the kernel its global lock against concurrent forks, whose grace period costs
// 5 to 10 ms (measured; 0.2 ms without it). The caller has one thread, so both mean the same.
#include "isolation/cgroup/v1.h"

#include <fcntl.h>
#include <unistd.h>

#include <limits>

#include "base/parse.h"
#include "base/sys.h"
#include "isolation/cgroup/control_file.h"
#include "isolation/cgroup/cpu_quota.h"
#include "isolation/cgroup/freezer.h"

namespace msb::isolation::cgroup {
namespace {

constexpr std::string_view kV1Controllers[] = {"memory", "cpu", "cpuacct", "pids"};
// The memory of sockets, on top of the memory limit: an eighth of it.
constexpr std::uint64_t kSocketShare = 8;

}  // namespace

V1Backend::V1Backend(const Places& places, const std::string& engine_id) {
  for (const std::string_view controller : kV1Controllers) {
    const auto found = places.v1.find(controller);
    std::string reason = "the host has no '" + std::string(controller) + "' cgroup";
    if (found != places.v1.end()) {
      const std::string engine_folder =
          found->second.folder + "/" + std::string(kEnginePrefix) + engine_id;
      if (const auto claimed = claim(engine_folder)) {
        parents_.emplace(found->second.folder, found->second);
        engine_folders_.emplace(controller, engine_folder);
        continue;
      } else {
        reason = claimed.error().message();
      }
    }
    if (controller == "memory") {
      weaknesses_.push_back("memory limit not enforced: " + reason);
    } else if (controller == "cpu") {
      weaknesses_.push_back("CPU limit not enforced: " + reason);
    } else if (controller == "cpuacct") {
      weaknesses_.push_back("CPU use not measured: " + reason);
    } else {
      weaknesses_.push_back("limit on processes enforced per user only: " + reason);
    }
  }
  if (places.v2) {
    const std::string engine_folder =
        places.v2->folder + "/" + std::string(kEnginePrefix) + engine_id;
    // No promise depends on it: what cannot be paused says so when it is asked to.
    if (claim(engine_folder)) {
      parents_.emplace(places.v2->folder, *places.v2);
      freezer_ = engine_folder;
    }
  }
  limits_memory_ = engine_folders_.contains("memory");
  limits_cpu_ = engine_folders_.contains("cpu");
  limits_processes_ = engine_folders_.contains("pids");
  if (limits_memory_) {
    const std::string file = folder("memory", "memory.memsw.limit_in_bytes");
    counts_swap_ = ::access(file.c_str(), F_OK) == 0;
  }
}

std::string V1Backend::folder(std::string_view controller, const std::string& id) const {
  const auto found = engine_folders_.find(controller);
  return found == engine_folders_.end() ? std::string() : found->second + "/" + id;
}

Result<> V1Backend::claim(const std::string& engine_folder) {
  const auto found = claims_.find(engine_folder);
  if (found == claims_.end() || !found->second) {
    claims_[engine_folder] = TRY(claim_engine_group(engine_folder));
    // Where it cannot be set, the group weighs as one process.
    if (::access((engine_folder + "/cpu.shares").c_str(), W_OK) == 0) {
      [[maybe_unused]] const auto set =
          write_control(engine_folder, "cpu.shares", std::to_string(engine_weight(1024, 1 << 18)));
    }
    limit_engine_processes(engine_folder, process_share_);
  }
  return {};
}

Result<> V1Backend::make(const std::string& id, const Limits& limits, CpuWeight weight) {
  auto made = make_groups(id);
  if (made) {
    made = set_limits(id, limits);
  }
  if (made && weight != CpuWeight::kNormal) {
    made = set_weight(id, weight);
  }
  if (!made) {
    [[maybe_unused]] const auto removed = remove(id);
  }
  return made;
}

Result<> V1Backend::make_groups(const std::string& id) {
  for (const auto& [engine_folder, claimed] : claims_) {
    TRY(make_group(engine_folder + "/" + id));
  }
  return {};
}

Result<> V1Backend::limit_memory(const std::string& id, std::uint64_t from_bytes,
                                 std::uint64_t to_bytes) {
  if (!limits_memory_) {
    return {};
  }
  const std::string memory = folder("memory", id);
  // What lies in TCP and UDP sockets is counted apart, and only where this limit is set: without it
  // a sandbox fills the host's memory, and the host's own sockets starve.
  if (::access((memory + "/memory.kmem.tcp.limit_in_bytes").c_str(), F_OK) == 0) {
    TRY(write_control(memory, "memory.kmem.tcp.limit_in_bytes",
                      std::to_string(to_bytes / kSocketShare)));
  }
  const std::string bytes = std::to_string(to_bytes);
  if (!counts_swap_) {
    TRY(write_control(memory, "memory.limit_in_bytes", bytes));
    // Swap is not counted on this host: keep the sandbox from using it.
    return write_control(memory, "memory.swappiness", "0");
  }
  // The kernel refuses any moment in which memory alone may be more than memory and swap.
  const bool grows = to_bytes > from_bytes;
  TRY(write_control(memory, grows ? "memory.memsw.limit_in_bytes" : "memory.limit_in_bytes",
                    bytes));
  return write_control(memory, grows ? "memory.limit_in_bytes" : "memory.memsw.limit_in_bytes",
                       bytes);
}

Result<> V1Backend::limit_cpus(const std::string& id, double cpus) {
  if (!limits_cpu_) {
    return {};
  }
  TRY(write_control(folder("cpu", id), "cpu.cfs_period_us", std::to_string(kCpuPeriodUs)));
  return write_control(folder("cpu", id), "cpu.cfs_quota_us",
                       cpus == kAllProcessors ? "-1" : std::to_string(cpu_quota_us(cpus)));
}

Result<> V1Backend::limit_processes(const std::string& id, std::uint32_t max_processes) {
  return limits_processes_
             ? write_control(folder("pids", id), "pids.max", std::to_string(max_processes))
             : Result<>();
}

Result<> V1Backend::set_weight(const std::string& id, CpuWeight weight) {
  return limits_cpu_ ? write_control(folder("cpu", id), "cpu.shares",
                                     weight == CpuWeight::kNormal ? "1024" : "2")
                     : Result<>();
}

Result<> V1Backend::set_limits(const std::string& id, const Limits& limits) {
  constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
  TRY(limit_memory(id, kUnlimited, limits.memory_bytes));
  TRY(limit_cpus(id, limits.cpus));
  return limit_processes(id, limits.max_processes);
}

Result<> V1Backend::adjust(const std::string& id, const Limits& from, const Limits& to) {
  TRY(set_weight(id, CpuWeight::kNormal));
  if (to.memory_bytes != from.memory_bytes) {
    TRY(limit_memory(id, from.memory_bytes, to.memory_bytes));
  }
  if (to.cpus != from.cpus) {
    TRY(limit_cpus(id, to.cpus));
  }
  return to.max_processes != from.max_processes ? limit_processes(id, to.max_processes)
                                                : Result<>();
}

Result<base::UniqueFd> V1Backend::birth_folder(const std::string& id) {
  return freezer_.empty() ? Result<base::UniqueFd>()
                          : base::sys::open(freezer_ + "/" + id, O_PATH | O_DIRECTORY);
}

Result<> V1Backend::enter(const std::string& id) {
  for (const auto& [engine_folder, claimed] : claims_) {
    if (engine_folder != freezer_) {  // where it was born
      TRY(write_control(engine_folder + "/" + id, "tasks", "0"));
    }
  }
  return {};
}

Result<> V1Backend::set_motion(const std::string& id, Motion motion) {
  return set_motion_of(freezer_.empty() ? std::string() : freezer_ + "/" + id, motion);
}

Result<bool> V1Backend::is_frozen(const std::string& id) {
  return is_frozen_group(freezer_ + "/" + id);
}

void V1Backend::open_gauges(const std::string& id, SandboxGauges& gauges) {
  gauges.cgroup_v2 = false;
  if (limits_memory_) {
    const std::string memory = folder("memory", id);
    gauges.memory_current = open_gauge(memory, "memory.usage_in_bytes");
    gauges.memory_stat = open_gauge(memory, "memory.stat");
    gauges.memory_events = open_gauge(memory, "memory.oom_control");
  }
  if (engine_folders_.contains("cpuacct")) {
    gauges.cpu_usage = open_gauge(folder("cpuacct", id), "cpuacct.usage");
  }
  if (limits_processes_) {
    gauges.pids_events = open_gauge(folder("pids", id), "pids.events");
  }
}

bool V1Backend::ran_out_of_memory(const std::string& id) {
  if (!limits_memory_) {
    return false;
  }
  const auto control = read_control(folder("memory", id), "memory.oom_control");
  return control && base::number_behind(*control, "oom_kill") > 0;
}

bool V1Backend::ran_out_of_processes(const std::string& id) {
  if (!limits_processes_) {
    return false;
  }
  const auto events = read_control(folder("pids", id), "pids.events");
  return events && base::number_behind(*events, "max") > 0;
}

Result<bool> V1Backend::remove(const std::string& id) {
  bool all_gone = true;
  for (const auto& [engine_folder, claimed] : claims_) {
    const bool gone = TRY(remove_group(engine_folder + "/" + id));
    all_gone = all_gone && gone;
  }
  return all_gone;
}

void V1Backend::remove_engine() {
  for (const auto& [engine_folder, claimed] : claims_) {
    [[maybe_unused]] const auto removed = remove_group(engine_folder);
  }
}

void V1Backend::sweep() {
  for (const auto& [folder, place] : parents_) {
    sweep_around(place);
  }
}

}  // namespace msb::isolation::cgroup
