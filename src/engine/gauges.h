// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says about one running sandbox: usage for metrics, and the counters that tell
// which limit a run has hit. Each reading is a few preads of open descriptors, and where a sandbox
// has a kernel of its own, whose counts the host does not see, a question to its agent.
// Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "base/try.h"
#include "engine/guest_counts.h"
#include "isolation/sandbox_spec.h"

namespace msb::engine {

struct Usage {
  double cpu_percent = 0;         // of one core, since the previous reading
  std::int64_t memory_bytes = 0;  // page cache not counted
  std::int64_t disk_bytes = 0;
};

// Counters that only grow. Two of them, taken before and after a run, tell what it met.
struct LimitEvents {
  std::uint64_t oom_kills = 0;
  std::uint64_t refused_forks = 0;
};

// Which limits were reached, and the words for it: "out of memory (limit 64 MiB)".
struct LimitsHit {
  bool memory = false;
  bool processes = false;
  bool disk = false;
  bool any() const { return memory || processes || disk; }
  std::string text;
};

// Bytes in use on the writable layer's own file system; 0: it has none.
std::int64_t used_disk_bytes(const isolation::SandboxGauges& gauges);
std::int64_t used_disk_bytes(const wire::Measured& measured);

class Gauges {
 public:
  // `writable_path`: the folder that is measured when the layer is not a file system of its own.
  // `disk_base_bytes`: what a fresh layer uses for itself.
  // `guest`: the agent of a sandbox with a kernel of its own; null where the host's is the one.
  Gauges(isolation::SandboxGauges gauges, const isolation::Limits& limits,
         std::string writable_path, std::int64_t disk_base_bytes,
         std::shared_ptr<AgentLink> guest = nullptr);

  Usage read();
  // Zero: of a guest with a kernel of its own.
  LimitEvents events() const;
  // What has been hit since `begin`, or as such a guest has `said`; the disk counts when it is full
  // now.
  LimitsHit hit_since(const LimitEvents& begin, const std::optional<wire::LimitsMet>& said) const;
  // What the disk of a guest with a kernel of its own has in use now is what a fresh layer uses for
  // itself: how much that is. Of others that is known from the beginning.
  std::int64_t note_disk_base();
  std::int64_t disk_base() const;

  // The folder of the writable layer, once more: it keeps the layer mounted. kSandboxGone.
  Result<base::UniqueFd> writable_layer() const;

  // Gives the descriptors up, so that the kernel can take the file system down. Readings of usage
  // are then zero but for the disk's last one.
  void close();

 private:
  struct CpuSample {
    std::chrono::steady_clock::time_point time;
    std::uint64_t used_ns = 0;
  };
  std::uint64_t cpu_used_ns() const;
  std::int64_t memory_bytes() const;
  std::int64_t disk_bytes();
  bool disk_is_full() const;
  LimitsHit hit(const LimitEvents& before, const LimitEvents& now, bool disk_is_full) const;

  mutable std::shared_mutex mutex_;  // guards gauges_: shared to read them, exclusive to close()
  isolation::SandboxGauges gauges_;
  const isolation::Limits limits_;
  const std::string writable_path_;
  std::optional<GuestCounts> guest_;

  mutable std::mutex sample_mutex_;  // guards what follows
  CpuSample base_;
  CpuSample latest_;
  std::int64_t disk_base_bytes_;
  std::int64_t last_disk_bytes_ = 0;
  std::chrono::steady_clock::time_point walked_;
};

}  // namespace msb::engine
