// SPDX-License-Identifier: Apache-2.0
#include "agent/measure.h"

#include <sys/vfs.h>

#include <algorithm>
#include <string>

#include "base/file.h"
#include "base/parse.h"

namespace msb::agent {
namespace {

std::string control(const std::string& name) {
  constexpr std::size_t kMaxControlBytes = 64 * 1024;
  return base::read_file("/sys/fs/cgroup/" + name, kMaxControlBytes).value_or("");
}

// All that is charged, less what the kernel would give back by dropping cached file pages.
std::uint64_t memory_bytes() {
  const std::string text = control("memory.current");
  const auto charged =
      base::parse_number<std::uint64_t>(text.substr(0, text.find('\n'))).value_or(0);
  const std::string stat = control("memory.stat");
  const std::uint64_t cached =
      base::number_behind(stat, "inactive_file") + base::number_behind(stat, "active_file");
  return charged - std::min(charged, cached);
}

}  // namespace

wire::Measured measure() {
  wire::Measured measured;
  measured.memory_bytes = memory_bytes();
  measured.oom_kills = base::number_behind(control("memory.events"), "oom_kill");
  measured.refused_forks = base::number_behind(control("pids.events"), "max");
  struct statfs status{};
  if (::statfs("/", &status) == 0) {
    const auto block = static_cast<std::uint64_t>(status.f_bsize);
    measured.disk_used_bytes = (status.f_blocks - status.f_bfree) * block;
    measured.disk_free_bytes = status.f_bavail * block;
    measured.disk_free_inodes = status.f_ffree;
  }
  return measured;
}

}  // namespace msb::agent
