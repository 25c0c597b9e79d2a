// SPDX-License-Identifier: Apache-2.0
//
// A warden tells by its arguments which engine it serves, and the engine's lock tells whether that
// lives. What is beneath a living engine's warden is accounted for; the kernel ends it with the
// warden. A guest may call itself anything, so a warden counts only where a warden can be: not
// beneath another one but the keeper that encloses it.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "engine/audit_parts.h"
#include "engine/ofd_lock.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;

using isolation::ProcessEntry;
using isolation::ProcessTable;

constexpr std::string_view kWardenName = "msb-warden";
constexpr std::string_view kUnpackerName = "msb-unpack";
constexpr int kMaxDepth = 1000;

// Its name is its own choice, and is shown on a terminal.
std::string describe(const ProcessEntry& process) {
  std::string name = process.name;
  std::ranges::replace_if(name, [](char each) { return each < ' ' || each > '~'; }, '?');
  return "process " + std::to_string(process.pid) + " (" + name + ")";
}

std::string kill_it(pid_t pid) {
  return "kill -9 " + std::to_string(pid);
}

// msb-warden serve HOME AGENT ENGINE_ID ... A guest may say so, too, but in a sandbox's cgroup.
bool serves_home(const ProcessEntry& process, const std::string& home) {
  return process.engine_id.empty() && process.name == kWardenName && process.argv.size() >= 5 &&
         process.argv[1] == "serve" && process.argv[2] == home;
}

const std::string& engine_of(const ProcessEntry& warden) {
  return warden.argv[4];
}

// How many wardens of the home are above it.
int depth_of(const ProcessTable& processes, const ProcessEntry& process, const std::string& home) {
  int depth = 0;
  const ProcessEntry* above = processes.find(process.parent);
  for (int i = 0; above != nullptr && i < kMaxDepth; ++i) {
    depth += serves_home(*above, home) ? 1 : 0;
    above = above->pid == above->parent ? nullptr : processes.find(above->parent);
  }
  return depth;
}

// Keepers (depth 0) or the wardens that they enclose (depth 1).
std::vector<const ProcessEntry*> wardens_at(const AuditGround& ground, int depth) {
  std::vector<const ProcessEntry*> found;
  for (const auto& [pid, process] : ground.processes.all()) {
    if (serves_home(process, ground.home) && process.state != 'Z' &&
        depth_of(ground.processes, process, ground.home) == depth) {
      found.push_back(&process);
    }
  }
  return found;
}

bool has_file_beneath(const ProcessEntry& process, const std::string& home) {
  return std::ranges::any_of(
      process.files, [&home](const auto& file) { return file.second.starts_with(home + "/"); });
}

void add_orphaned_unpackers(const AuditGround& ground, AuditTopic& topic) {
  for (const auto& [pid, process] : ground.processes.all()) {
    if (process.name != kUnpackerName || !process.engine_id.empty() ||
        !has_file_beneath(process, ground.home)) {
      continue;
    }
    const ProcessEntry* parent = ground.processes.find(process.parent);
    if (parent != nullptr && has_file_beneath(*parent, ground.home)) {
      ++topic.in_use;
    } else {
      topic.leftovers.push_back(
          {describe(process) + ": the program that unpacks an image with it is gone",
           kill_it(pid),
           {}});
    }
  }
}

// Children that have ended and that their engine does not wait for.
void add_zombies(const AuditGround& ground, AuditTopic& topic) {
  for (const LivingEngine& engine : ground.engines) {
    for (const ProcessEntry* child : ground.processes.children_of(engine.pid)) {
      if (child->state == 'Z' && child->name.starts_with("msb-")) {
        topic.leftovers.push_back({describe(*child) + ": has ended, and " + engine.program + " (" +
                                       std::to_string(engine.pid) + ") does not wait for it",
                                   "end " + engine.program + ", and report this", engine.id});
      }
    }
  }
}

// In the cgroup of an engine, and not beneath a warden that lives.
void add_strays(const AuditGround& ground, AuditTopic& topic) {
  std::set<std::string> dead_groups;
  std::set<std::string> living_groups;
  for (const isolation::EngineGroupTrace& group : ground.groups) {
    (group.is_claimed ? living_groups : dead_groups).insert(group.engine_id);
  }
  for (const auto& [pid, process] : ground.processes.all()) {
    if (!process.engine_id.empty() && process.state != 'Z' &&
        dead_groups.contains(process.engine_id) && !living_groups.contains(process.engine_id)) {
      topic.leftovers.push_back({describe(process) + ": in a sandbox whose warden is dead",
                                 kill_it(pid), process.engine_id});
    }
  }
}

}  // namespace

bool AuditGround::lives(const std::string& engine_id) const {
  return std::ranges::find(engines, engine_id, &LivingEngine::id) != engines.end();
}

AuditGround survey(const std::string& home) {
  AuditGround ground;
  ground.home = home;
  // The locks first: what is made later belongs to somebody who lives.
  ground.groups = isolation::engine_groups();
  ground.processes = ProcessTable::read([&home](std::string_view target) {
    return target.starts_with(home + "/") || target == isolation::kUidSlotFile ||
           target.starts_with("socket:[");
  });
  std::error_code error;
  for (fs::directory_iterator at(home + "/run", error), end; !error && at != end;
       at.increment(error)) {
    const std::string id = at->path().filename();
    const std::string lock = at->path().string() + "/lock";
    if (id.starts_with('.') || !is_locked(lock)) {
      continue;
    }
    LivingEngine engine;
    engine.id = id;
    for (const auto& [pid, process] : ground.processes.all()) {
      if (std::ranges::any_of(process.files,
                              [&lock](const auto& file) { return file.second == lock; })) {
        engine.pid = pid;
        engine.program = process.name;
      }
    }
    ground.engines.push_back(std::move(engine));
  }
  for (const ProcessEntry* warden : wardens_at(ground, 1)) {
    const auto engine = std::ranges::find(ground.engines, engine_of(*warden), &LivingEngine::id);
    if (engine != ground.engines.end()) {
      engine->warden_pid = warden->pid;
      engine->sandboxes = ground.processes.children_of(warden->pid).size();
    }
  }
  return ground;
}

AuditTopic audit_processes(const AuditGround& ground) {
  AuditTopic topic{.name = "processes", .in_use = 0, .unseen = {}, .leftovers = {}};
  for (const int depth : {0, 1}) {
    for (const ProcessEntry* warden : wardens_at(ground, depth)) {
      if (ground.lives(engine_of(*warden))) {
        topic.in_use += depth == 0 ? 1 + ground.processes.count_beneath(warden->pid) : 0;
      } else {
        topic.leftovers.push_back(
            {describe(*warden) + ": its engine is dead", kill_it(warden->pid), engine_of(*warden)});
      }
    }
  }
  add_strays(ground, topic);
  add_orphaned_unpackers(ground, topic);
  add_zombies(ground, topic);
  return topic;
}

AuditTopic audit_groups(const AuditGround& ground) {
  AuditTopic topic{.name = "cgroups", .in_use = 0, .unseen = {}, .leftovers = {}};
  for (const isolation::EngineGroupTrace& group : ground.groups) {
    if (!group.is_claimed && ground.lives(group.engine_id)) {
      ++topic.in_use;  // its warden was killed; the engine's next one empties it
      continue;
    }
    if (!group.is_claimed) {
      topic.leftovers.push_back(
          {group.folder + ": its warden is dead", kNextStartRemoves, group.engine_id});
      continue;
    }
    ++topic.in_use;
    if (!ground.lives(group.engine_id)) {
      continue;  // another home's
    }
    for (const std::string& idle : group.idle) {
      topic.leftovers.push_back({idle + ": holds no process",
                                 "it goes with its engine; please report this", group.engine_id});
    }
  }
  return topic;
}

AuditTopic audit_uid_ranges(const AuditGround& ground) {
  AuditTopic topic{.name = "uid ranges", .in_use = 0, .unseen = {}, .leftovers = {}};
  const std::set<std::uint32_t> locked = isolation::locked_uid_slots();
  if (locked.empty()) {
    if (!isolation::can_see_uid_slots()) {
      topic.unseen = std::string(isolation::kUidSlotFile) +
                     " cannot be opened: ranges are in use only where root has sandboxes";
    }
    return topic;
  }
  std::set<std::uint32_t> held;
  for (const auto& [pid, process] : ground.processes.all()) {
    held.merge(isolation::uid_slots_of(process));
  }
  for (const std::uint32_t slot : locked) {
    topic.in_use += held.contains(slot) ? 1u : 0u;
    if (!held.contains(slot)) {
      topic.leftovers.push_back({"uid range " + std::to_string(slot) + ": no process holds it",
                                 "restart this host, and report this",
                                 {}});
    }
  }
  for (const LivingEngine& engine : ground.engines) {
    const ProcessEntry* warden = ground.processes.find(engine.warden_pid);
    if (warden == nullptr) {
      continue;
    }
    const std::size_t taken = isolation::uid_slots_of(*warden).size();
    // Sandboxes come and go while we count, so they are counted before and after.
    if (taken > std::max(engine.sandboxes, isolation::count_children_now(warden->pid))) {
      topic.leftovers.push_back(
          {"uid ranges of engine " + engine.id + ": more are taken than it has sandboxes",
           "they go with the engine; please report this", engine.id});
    }
  }
  return topic;
}

AuditTopic audit_listeners(const AuditGround& ground) {
  AuditTopic topic{.name = "listeners", .in_use = 0, .unseen = {}, .leftovers = {}};
  const std::set<std::string> listening = isolation::listening_sockets();
  const auto count = [&listening](const ProcessEntry& process) {
    return static_cast<std::size_t>(std::ranges::count_if(
        process.files, [&](const auto& file) { return listening.contains(file.second); }));
  };
  // Published ports are sockets of the engine's own program, and end with it. None of the processes
  // that serve it has a reason to listen.
  for (const LivingEngine& engine : ground.engines) {
    if (const ProcessEntry* program = ground.processes.find(engine.pid)) {
      topic.in_use += count(*program);
    }
  }
  for (const int depth : {0, 1}) {
    for (const ProcessEntry* warden : wardens_at(ground, depth)) {
      if (count(*warden) > 0) {
        topic.leftovers.push_back(
            {"listening socket of " + describe(*warden), kill_it(warden->pid), engine_of(*warden)});
      }
    }
  }
  return topic;
}

}  // namespace msb::engine
