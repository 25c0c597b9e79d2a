// SPDX-License-Identifier: Apache-2.0
//
// The limits of an engine's sandboxes, on either version of cgroups:
//
//   <own cgroup, or the nearest above it that may have children>
//     msb-<engine id>/
//       <sandbox id>/      memory, cpu, pids
//
// A controller that this host does not give is not an error: the sandbox runs without that limit,
// and weaknesses() says so.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/cgroup/places.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation::cgroup {

inline constexpr std::string_view kEnginePrefix = "msb-";

// Of the CPU when there is not enough for all: what everybody has, or next to nothing.
enum class CpuWeight { kNormal, kLeast };

class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  // Makes the sandbox's groups and sets their limits. On failure nothing is left.
  virtual Result<> make(const std::string& id, const Limits& limits, CpuWeight weight) = 0;
  // From the limits it has to others, and to the normal weight. Fails when more memory is in use
  // than is to be allowed, or more processes cannot be.
  virtual Result<> adjust(const std::string& id, const Limits& from, const Limits& to) = 0;

  // The folder of version 2 to be born into (CLONE_INTO_CGROUP); invalid where there is none. For
  // groups of version 1 the new process calls enter() itself, while it has one thread.
  virtual Result<base::UniqueFd> birth_folder(const std::string& id) = 0;
  virtual Result<> enter(const std::string& id) = 0;

  // Asks the kernel to stop everything in it where it stands, or to let it go on; it is not done at
  // once, see is_frozen(). What is frozen can be killed all the same. kUnsupported: the groups of
  // this host cannot, or not so.
  virtual Result<> set_motion(const std::string& id, Motion motion) = 0;
  virtual Result<bool> is_frozen(const std::string& id) = 0;

  virtual void open_gauges(const std::string& id, SandboxGauges& gauges) = 0;
  // Whether the kernel killed something in it at its memory limit.
  virtual bool ran_out_of_memory(const std::string& id) = 0;
  // Whether it refused something in it another process.
  virtual bool ran_out_of_processes(const std::string& id) = 0;

  // False: not yet, the kernel still counts a process; ask again.
  virtual Result<bool> remove(const std::string& id) = 0;
  // Removes the engine's own group; for the end of the warden.
  virtual void remove_engine() = 0;
  // Removes what dead wardens left.
  virtual void sweep() = 0;

  // The limits the host cannot enforce: "memory limit not enforced: ...".
  const std::vector<std::string>& weaknesses() const { return weaknesses_; }
  bool limits_memory() const { return limits_memory_; }
  bool limits_cpu() const { return limits_cpu_; }
  bool limits_processes() const { return limits_processes_; }
  virtual bool v2() const = 0;

 protected:
  std::vector<std::string> weaknesses_;
  bool limits_memory_ = false;
  bool limits_cpu_ = false;
  bool limits_processes_ = false;
};

// Probes the host. `engine_pid` is the process that shares our cgroup legitimately (version 2 does
// not allow processes beside child groups; see v2.cc). To be called before a pid namespace is
// entered: the pids of cgroup.procs are read.
Result<std::unique_ptr<Backend>> open_backend(const std::string& engine_id, pid_t engine_pid);

// The group of one engine, made if it is not there, and locked (flock) for as long as the result
// lives: that is how a sweep knows that its warden lives. Groups in it, which only a dead warden of
// the same engine can have left, are removed.
Result<base::UniqueFd> claim_engine_group(const std::string& folder);

// Removes the groups named msb-* directly beneath `folder` that nobody has locked, with those in
// them. A group that still holds a process stays.
void sweep_folder(const std::string& folder);

// The same where wardens of this host are likely to have made their groups: at and above `place`,
// and in its siblings, the sessions and services beside ours.
void sweep_around(const Place& place);

// The groups of all engines in the same places, by folder.
std::set<std::string> engine_groups_around(const Place& place);
// Whether the warden of that group lives. One that is just being claimed may count as claimed.
bool is_claimed(const std::string& engine_folder);

// How often a sandbox's group is tried to be removed, with pauses of 1, 2, 4 ... ms: the kernel may
// count a reaped process in it for some moments more.
inline constexpr int kRemoveAttempts = 10;
// Tries as often, and gives up.
void remove_patiently(Backend& backend, const std::string& id);

}  // namespace msb::isolation::cgroup
