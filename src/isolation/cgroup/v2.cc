// SPDX-License-Identifier: Apache-2.0
//
// Controllers reach a group only if its parent lists them in cgroup.subtree_control, and (but for
// the root) a group that lists any may hold no processes itself. Our own group holds at least the
// engine, so the engine's group is made beneath the nearest group at or above our own
//   * that already hands the controllers down, or can be told to, and
//   * in which we may make groups.
// On a systemd host that is the slice above the session or service. A group that holds the engine
// and its warden alone (a scope of their own, delegated) can be used too: both move to a leaf.
#include "isolation/cgroup/v2.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <set>
#include <vector>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"
#include "isolation/cgroup/control_file.h"
#include "isolation/cgroup/cpu_quota.h"
#include "isolation/cgroup/freezer.h"

namespace msb::isolation::cgroup {
namespace {

constexpr std::string_view kV2Controllers[] = {"cpu", "memory", "pids"};

std::set<std::string> words(std::string_view text) {
  std::set<std::string> result;
  std::size_t begin = 0;
  while ((begin = text.find_first_not_of(" \n", begin)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    result.emplace(text.substr(begin, end - begin));
    begin = end;
  }
  return result;
}

std::set<std::string> controllers_in(const std::string& folder, const std::string& file) {
  const auto text = read_control(folder, file);
  std::set<std::string> result = text ? words(*text) : std::set<std::string>();
  std::erase_if(result, [](const std::string& word) {
    return std::ranges::find(kV2Controllers, word) == std::end(kV2Controllers);
  });
  return result;
}

// What of kV2Controllers the children of `folder` get, after asking for what is missing.
std::set<std::string> hand_down(const std::string& folder) {
  std::set<std::string> missing = controllers_in(folder, "cgroup.controllers");
  std::set<std::string> handed = controllers_in(folder, "cgroup.subtree_control");
  std::erase_if(missing, [&](const std::string& name) { return handed.contains(name); });
  if (missing.empty()) {
    return handed;
  }
  for (const std::string& controller : missing) {
    // One by one: a refusal of one must not cost the others.
    [[maybe_unused]] const auto asked =
        write_control(folder, "cgroup.subtree_control", "+" + controller);
  }
  return controllers_in(folder, "cgroup.subtree_control");
}

// A helper of the engine's: msb-launcher, an unpacker at work.
bool is_helper(const std::string& pid, pid_t engine_pid) {
  // "PID (NAME) STATE PARENT ..."
  const auto stat = base::read_file("/proc/" + pid + "/stat", 4096);
  const std::string parent = " " + std::to_string(engine_pid) + " ";
  const auto end = stat ? stat->find(") ") : std::string::npos;
  return end != std::string::npos && stat->contains(" (msb-") &&
         std::string_view(*stat).substr(end + 3).starts_with(parent);
}

// Empties `folder` into a leaf if the engine, its helpers and this process are all it holds.
bool retreat_to_leaf(const std::string& folder, const std::string& leaf, pid_t engine_pid) {
  const auto listed = read_control(folder, "cgroup.procs");
  if (!listed) {
    return false;
  }
  const std::set<std::string> ours = {std::to_string(engine_pid), std::to_string(::getpid())};
  const std::set<std::string> pids = words(*listed);
  if (pids.empty() ||
      !std::ranges::all_of(
          pids,
          [&](const auto& pid) { return ours.contains(pid) || is_helper(pid, engine_pid); }) ||
      !make_group(leaf)) {
    return false;
  }
  return std::ranges::all_of(pids, [&](const std::string& pid) {
    return write_control(leaf, "cgroup.procs", pid).has_value();
  });
}

}  // namespace

V2Backend::V2Backend(const Place& place, const std::string& engine_id, pid_t engine_pid)
    : place_(place) {
  const std::string name = "/" + std::string(kEnginePrefix) + engine_id;
  std::set<std::string> best;
  const auto consider = [&](const std::string& folder) {
    if (::access(folder.c_str(), W_OK) != 0) {
      return;
    }
    std::set<std::string> handed = hand_down(folder);
    if (handed.size() > best.size()) {
      best = std::move(handed);
      parent_ = folder;
    }
  };
  consider(place.folder);
  if (best.size() < std::size(kV2Controllers) && place.folder != place.mount_point &&
      retreat_to_leaf(place.folder, place.folder + name + "-host", engine_pid)) {
    consider(place.folder);
  }
  for (std::string folder = place.folder;
       best.size() < std::size(kV2Controllers) && folder.size() > place.mount_point.size();) {
    folder.erase(folder.rfind('/'));
    consider(folder);
  }

  limits_memory_ = best.contains("memory");
  limits_cpu_ = best.contains("cpu");
  limits_processes_ = best.contains("pids");
  const std::string reason =
      parent_.empty() ? "no cgroup at or above " + place.folder + " may have limited children"
                      : "the controller is not delegated to " + parent_;
  if (!limits_memory_) {
    weaknesses_.push_back("memory limit not enforced: " + reason);
  }
  if (!limits_cpu_) {
    weaknesses_.push_back("CPU limit not enforced: " + reason);
  }
  if (!limits_processes_) {
    weaknesses_.push_back("limit on processes enforced per user only: " + reason);
  }
  if (parent_.empty()) {
    return;
  }
  engine_folder_ = parent_ + name;
  for (const std::string& controller : best) {
    controllers_ += (controllers_.empty() ? "+" : " +") + controller;
  }
}

Result<> V2Backend::make_engine() {
  claim_ = TRY(claim_engine_group(engine_folder_));
  if (limits_cpu_) {
    [[maybe_unused]] const auto set =
        write_control(engine_folder_, "cpu.weight", std::to_string(engine_weight(100, 10'000)));
  }
  if (limits_processes_) {
    limit_engine_processes(engine_folder_, process_share_);
  }
  return write_control(engine_folder_, "cgroup.subtree_control", controllers_);
}

Result<> V2Backend::make(const std::string& id, const Limits& limits, CpuWeight weight) {
  if (parent_.empty()) {
    return {};
  }
  if (!claim_) {
    TRY(make_engine());  // at the first sandbox
  }
  TRY(make_group(folder(id)));
  auto set = set_limits(folder(id), limits);
  if (set && weight != CpuWeight::kNormal) {
    set = set_weight(folder(id), weight);
  }
  if (!set) {
    [[maybe_unused]] const auto removed = remove(id);
  }
  return set;
}

Result<> V2Backend::set_weight(const std::string& folder, CpuWeight weight) const {
  return limits_cpu_
             ? write_control(folder, "cpu.weight", weight == CpuWeight::kNormal ? "100" : "1")
             : Result<>();
}

Result<> V2Backend::adjust(const std::string& id, const Limits& from, const Limits& to) {
  if (parent_.empty()) {
    return {};
  }
  TRY(set_weight(folder(id), CpuWeight::kNormal));
  if (to.memory_bytes < from.memory_bytes && limits_memory_) {
    // The kernel would kill rather than refuse.
    const auto used = read_control(folder(id), "memory.current");
    const auto bytes =
        used
            ? base::parse_number<std::uint64_t>(std::string_view(*used).substr(0, used->find('\n')))
            : std::nullopt;
    if (!bytes || *bytes > to.memory_bytes) {
      return fail(ErrorCode::kConflict, "more memory is in use than is to be allowed");
    }
  }
  return to.memory_bytes == from.memory_bytes && to.cpus == from.cpus &&
                 to.max_processes == from.max_processes
             ? Result<>()
             : set_limits(folder(id), to);
}

Result<> V2Backend::set_limits(const std::string& folder, const Limits& limits) const {
  if (limits_memory_) {
    TRY(write_control(folder, "memory.max", std::to_string(limits.memory_bytes)));
    // Not there on a kernel without swap accounting.
    if (::access((folder + "/memory.swap.max").c_str(), F_OK) == 0) {
      TRY(write_control(folder, "memory.swap.max", "0"));
    }
  }
  if (limits_cpu_) {
    const std::string quota =
        limits.cpus == kAllProcessors ? "max" : std::to_string(cpu_quota_us(limits.cpus));
    TRY(write_control(folder, "cpu.max", quota + " " + std::to_string(kCpuPeriodUs)));
  }
  if (limits_processes_) {
    TRY(write_control(folder, "pids.max", std::to_string(limits.max_processes)));
  }
  return {};
}

Result<base::UniqueFd> V2Backend::birth_folder(const std::string& id) {
  if (parent_.empty()) {
    return base::UniqueFd();
  }
  return base::sys::open(folder(id), O_PATH | O_DIRECTORY);
}

Result<> V2Backend::enter(const std::string& /*id*/) {
  return {};
}

Result<> V2Backend::set_motion(const std::string& id, Motion motion) {
  return set_motion_of(parent_.empty() ? std::string() : folder(id), motion);
}

Result<bool> V2Backend::is_frozen(const std::string& id) {
  return is_frozen_group(folder(id));
}

void V2Backend::open_gauges(const std::string& id, SandboxGauges& gauges) {
  gauges.cgroup_v2 = true;
  if (parent_.empty()) {
    return;
  }
  if (limits_memory_) {
    gauges.memory_current = open_gauge(folder(id), "memory.current");
    gauges.memory_stat = open_gauge(folder(id), "memory.stat");
    gauges.memory_events = open_gauge(folder(id), "memory.events");
  }
  gauges.cpu_usage = open_gauge(folder(id), "cpu.stat");
  if (limits_processes_) {
    gauges.pids_events = open_gauge(folder(id), "pids.events");
  }
}

bool V2Backend::ran_out_of_memory(const std::string& id) {
  if (!limits_memory_) {
    return false;
  }
  const auto events = read_control(folder(id), "memory.events");
  return events && base::number_behind(*events, "oom_kill") > 0;
}

bool V2Backend::ran_out_of_processes(const std::string& id) {
  if (!limits_processes_) {
    return false;
  }
  const auto events = read_control(folder(id), "pids.events");
  return events && base::number_behind(*events, "max") > 0;
}

Result<bool> V2Backend::remove(const std::string& id) {
  return parent_.empty() ? true : remove_group(folder(id));
}

void V2Backend::remove_engine() {
  if (!parent_.empty()) {
    [[maybe_unused]] const auto removed = remove_group(engine_folder_);
  }
}

void V2Backend::sweep() {
  sweep_around(place_);
}

}  // namespace msb::isolation::cgroup
