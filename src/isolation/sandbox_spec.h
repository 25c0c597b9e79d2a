// SPDX-License-Identifier: Apache-2.0
//
// What a tier is asked to build, and what it hands back. The engine has validated every field
// against the user's rules; a tier validates again what its own safety rests on.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "isolation/tier.h"

namespace msb::isolation {

// Of Limits::cpus: as many as there are.
inline constexpr double kAllProcessors = std::numeric_limits<double>::infinity();

struct Limits {
  std::uint64_t memory_bytes = 512ull << 20;  // with swap: no more than this in all
  double cpus = 1.0;                          // fractions of a core allowed
  std::uint32_t max_processes = 512;
  std::uint64_t disk_bytes = 4ull << 30;  // size of the writable layer
  bool operator==(const Limits&) const = default;
};

struct Volume {
  base::UniqueFd source;   // O_PATH, opened by the engine with the caller's rights; file or folder
  std::string guest_path;  // absolute
  bool read_only = false;
};

// Where machines that were saved lie, beneath the home: templates; what has a name; what is needed
// for a moment, while copies of it begin.
inline constexpr const char* kMachineTemplates = "machines/templates";
inline constexpr const char* kMachineSnapshots = "machines/snapshots";
inline constexpr const char* kMachineMoments = "machines/moments";

// A micro VM, and the memory it begins with.
struct MachineSpec {
  std::string image_digest;  // 64 hexadecimal digits: names the image as one file
  enum class Begin : std::uint8_t {
    kBoot,
    kClone,  // of the machine that was saved in that folder
  } begin = Begin::kBoot;
  std::string template_path;  // of a clone
};

struct SandboxSpec {
  Tier tier;
  std::string id;    // instance id: [0-9a-f]{16}, new for each start
  std::string name;  // for humans (hostname default, cgroup name)
  std::string hostname;
  std::vector<std::string> layer_paths;  // unpacked layers in store identity, lowest first
  std::string writable_path;  // folder of the writable layer: holds disk.img, or upper/ and work/
  Limits limits;
  std::vector<Volume> volumes;
  // The user inside that owns the volumes' files: the host owner of a volume's root appears as it.
  std::uint32_t volume_uid = 0;
  std::uint32_t volume_gid = 0;
  // Made ahead, nobody's yet: may be adjusted, once, and has the CPU's least weight until then.
  bool is_spare = false;
  std::optional<MachineSpec> machine;  // of the microvm tier
};

// Whether the processes of a sandbox go on, or stand still where they are.
enum class Motion : std::uint8_t { kFree, kFrozen };

// What a spare sandbox becomes. Its disk and its volumes are what they were made as.
struct Adjustment {
  std::string hostname;
  Limits limits;
};

// What the kernel says about a running sandbox; descriptors are read with pread, in any thread.
struct SandboxGauges {
  base::UniqueFd memory_current;  // v1 memory.usage_in_bytes, v2 memory.current
  base::UniqueFd memory_stat;     // memory.stat
  base::UniqueFd memory_events;   // v1 memory.oom_control, v2 memory.events: "oom_kill N"
  base::UniqueFd cpu_usage;       // v1 cpuacct.usage (ns), v2 cpu.stat (usage_usec)
  base::UniqueFd pids_events;     // "max N"
  // O_PATH folder: fstatfs tells size and use when disk_limited. It keeps the layer mounted: close
  // it before destroy(), so that the layer is free again when destroy() answers.
  base::UniqueFd writable_layer;
  bool cgroup_v2 = false;
  bool disk_limited = false;
};

struct StartedSandbox {
  base::UniqueFd stream;  // SOCK_STREAM to the agent
  SandboxGauges gauges;
  // Promises this host cannot keep for this sandbox ("memory limit not enforced: ..."), if any.
  std::vector<std::string> weaknesses;
  base::UniqueFd orders;  // of a machine: what its supervisor takes (microvm/supervisor.h)
};

}  // namespace msb::isolation
