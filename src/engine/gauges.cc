// SPDX-License-Identifier: Apache-2.0
#include "engine/gauges.h"

#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/parse.h"
#include "base/sys.h"
#include "engine/disk_use.h"

namespace msb::engine {
namespace {

using Clock = std::chrono::steady_clock;

// Readings closer together than this share the sample they are measured from: over microseconds
// the kernel's accounting says either nothing or everything.
constexpr std::chrono::milliseconds kMinCpuInterval{100};
constexpr std::chrono::seconds kWalkInterval{10};
constexpr std::size_t kMaxGaugeBytes = 8 << 10;
// With less than this left a write may be refused: where ext4 has large folios (Linux 6.16), a
// write of 1 MiB fails as a whole and leaves what is there of it free.
constexpr std::int64_t kFullDiskBytes = std::int64_t{1} << 20;

class GaugeText {
 public:
  explicit GaugeText(const base::UniqueFd& fd) {
    if (!fd) {
      return;
    }
    if (const auto size =
            base::sys::pread(fd.get(), std::as_writable_bytes(std::span(buffer_)), 0)) {
      text_ = std::string_view(buffer_.data(), *size);
    }
  }

  // The number of a file that holds one.
  std::uint64_t number() const {
    return base::parse_number<std::uint64_t>(text_.substr(0, text_.find('\n'))).value_or(0);
  }

  std::uint64_t number(std::string_view key) const { return base::number_behind(text_, key); }

 private:
  std::array<char, kMaxGaugeBytes> buffer_;
  std::string_view text_;
};

struct Space {
  std::int64_t used_bytes = 0;
  std::int64_t free_bytes = 0;
  std::int64_t free_inodes = 0;
};

std::optional<Space> space_of(const isolation::SandboxGauges& gauges) {
  struct statfs status{};
  if (!gauges.disk_limited || !gauges.writable_layer ||
      ::fstatfs(gauges.writable_layer.get(), &status) < 0) {
    return std::nullopt;
  }
  const auto block = static_cast<std::int64_t>(status.f_bsize);
  return Space{.used_bytes = static_cast<std::int64_t>(status.f_blocks - status.f_bfree) * block,
               .free_bytes = static_cast<std::int64_t>(status.f_bavail) * block,
               .free_inodes = static_cast<std::int64_t>(status.f_ffree)};
}

void append_reason(std::string& text, const std::string& reason) {
  if (!text.empty()) {
    text += ", ";
  }
  text += reason;
}

// What a guest says of itself may be any number.
std::int64_t plausible(std::uint64_t number) {
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

bool is_full(const Space& space) {
  return space.free_bytes < kFullDiskBytes || space.free_inodes == 0;
}

std::string mib(std::uint64_t size_bytes) {
  return std::to_string(size_bytes >> 20) + " MiB";
}

}  // namespace

Gauges::Gauges(isolation::SandboxGauges gauges, const isolation::Limits& limits,
               std::string writable_path, std::int64_t disk_base_bytes,
               std::shared_ptr<AgentLink> guest)
    : gauges_(std::move(gauges)),
      limits_(limits),
      writable_path_(std::move(writable_path)),
      disk_base_bytes_(disk_base_bytes) {
  base_ = latest_ = CpuSample{Clock::now(), cpu_used_ns()};
  if (guest) {
    guest_.emplace(std::move(guest));
  }
}

std::uint64_t Gauges::cpu_used_ns() const {
  const GaugeText text(gauges_.cpu_usage);
  return gauges_.cgroup_v2 ? text.number("usage_usec") * 1000 : text.number();
}

std::int64_t Gauges::memory_bytes() const {
  // The same in both versions: all that is charged, less what the kernel would give back by
  // dropping cached file pages. Shared memory and tmpfs stay counted, they cannot be dropped.
  const auto charged = static_cast<std::int64_t>(GaugeText(gauges_.memory_current).number());
  const GaugeText stat(gauges_.memory_stat);
  const bool v2 = gauges_.cgroup_v2;
  const std::uint64_t cached = stat.number(v2 ? "inactive_file" : "total_inactive_file") +
                               stat.number(v2 ? "active_file" : "total_active_file");
  return std::max<std::int64_t>(0, charged - static_cast<std::int64_t>(cached));
}

std::int64_t Gauges::disk_bytes() {
  if (const auto space = space_of(gauges_)) {
    last_disk_bytes_ = std::max<std::int64_t>(0, space->used_bytes - disk_base_bytes_);
  } else if (gauges_.writable_layer && Clock::now() - walked_ > kWalkInterval) {
    last_disk_bytes_ = disk_use_of_folder(writable_path_);
    walked_ = Clock::now();
  }
  return last_disk_bytes_;
}

Usage Gauges::read() {
  // Before any lock: it may take a while.
  const auto counted = guest_ ? std::optional(guest_->read()) : std::nullopt;
  const std::shared_lock gauges_lock(mutex_);
  const std::lock_guard sample_lock(sample_mutex_);
  Usage usage;
  if (counted) {
    usage.memory_bytes = plausible(counted->memory_bytes);
    usage.disk_bytes = std::max<std::int64_t>(0, used_disk_bytes(*counted) - disk_base_bytes_);
  } else {
    usage.memory_bytes = memory_bytes();
    usage.disk_bytes = disk_bytes();
  }
  if (!gauges_.cpu_usage) {
    return usage;
  }
  const CpuSample now{Clock::now(), cpu_used_ns()};
  if (now.time - latest_.time >= kMinCpuInterval) {
    base_ = std::exchange(latest_, now);
  }
  const std::chrono::duration<double, std::nano> interval = now.time - base_.time;
  if (interval.count() > 0 && now.used_ns > base_.used_ns) {
    usage.cpu_percent = 100.0 * static_cast<double>(now.used_ns - base_.used_ns) / interval.count();
  }
  return usage;
}

LimitEvents Gauges::events() const {
  if (guest_) {
    return {};
  }
  const std::shared_lock lock(mutex_);
  return {.oom_kills = GaugeText(gauges_.memory_events).number("oom_kill"),
          .refused_forks = GaugeText(gauges_.pids_events).number("max")};
}

bool Gauges::disk_is_full() const {
  const std::shared_lock lock(mutex_);
  const auto space = space_of(gauges_);
  return space && is_full(*space);
}

LimitsHit Gauges::hit_since(const LimitEvents& begin,
                            const std::optional<wire::LimitsMet>& said) const {
  if (!guest_) {
    return hit(begin, events(), disk_is_full());
  }
  if (!said) {
    return {};
  }
  const Space space{.free_bytes = plausible(said->disk_free_bytes),
                    .free_inodes = plausible(said->disk_free_inodes)};
  return hit({}, {.oom_kills = said->oom_kills, .refused_forks = said->refused_forks},
             is_full(space));
}

LimitsHit Gauges::hit(const LimitEvents& before, const LimitEvents& now, bool disk_is_full) const {
  LimitsHit hit;
  hit.memory = now.oom_kills > before.oom_kills;
  hit.processes = now.refused_forks > before.refused_forks;
  hit.disk = disk_is_full;
  if (hit.memory) {
    append_reason(hit.text, "out of memory (limit " + mib(limits_.memory_bytes) + ")");
  }
  if (hit.processes) {
    append_reason(hit.text,
                  "too many processes (limit " + std::to_string(limits_.max_processes) + ")");
  }
  if (hit.disk) {
    append_reason(hit.text, "disk full (limit " + mib(limits_.disk_bytes) + ")");
  }
  return hit;
}

std::int64_t Gauges::disk_base() const {
  const std::lock_guard lock(sample_mutex_);
  return disk_base_bytes_;
}

std::int64_t Gauges::note_disk_base() {
  const auto counted = guest_ ? std::optional(guest_->read()) : std::nullopt;
  const std::lock_guard lock(sample_mutex_);
  if (counted) {
    disk_base_bytes_ = used_disk_bytes(*counted);
  }
  return disk_base_bytes_;
}

std::int64_t used_disk_bytes(const isolation::SandboxGauges& gauges) {
  const auto space = space_of(gauges);
  return space ? space->used_bytes : 0;
}

std::int64_t used_disk_bytes(const wire::Measured& measured) {
  return plausible(measured.disk_used_bytes);
}

Result<base::UniqueFd> Gauges::writable_layer() const {
  const std::shared_lock lock(mutex_);
  if (!gauges_.writable_layer) {
    return fail(ErrorCode::kSandboxGone, "its files are closed");
  }
  return base::sys::dup(gauges_.writable_layer.get());
}

void Gauges::close() {
  (void)read();  // keeps the last size of the disk
  const std::unique_lock lock(mutex_);
  gauges_ = isolation::SandboxGauges{};
}

}  // namespace msb::engine
