// SPDX-License-Identifier: Apache-2.0
#include "agent/measure.h"

#include <fcntl.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"
#include "base/unique_fd.h"

namespace msb::agent {
namespace {

constexpr const char* kCgroup = "/sys/fs/cgroup/";

std::string control(const std::string& name) {
  constexpr std::size_t kMaxControlBytes = 64 * 1024;
  return base::read_file(kCgroup + name, kMaxControlBytes).value_or("");
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

// Read at the begin and the end of each run, so it stays open.
class CountFile {
 public:
  explicit CountFile(const std::string& name)
      : file_(base::sys::open(kCgroup + name, O_RDONLY).value_or(base::UniqueFd())) {}

  std::uint64_t read(std::string_view key) const {
    std::array<char, 512> buffer;
    const auto size = base::sys::pread(file_.get(), std::as_writable_bytes(std::span(buffer)), 0);
    return base::number_behind(std::string_view(buffer.data(), size.value_or(0)), key);
  }

 private:
  base::UniqueFd file_;
};

wire::LimitsMet counts() {
  static const CountFile memory("memory.events");
  static const CountFile processes("pids.events");
  return {.oom_kills = memory.read("oom_kill"), .refused_forks = processes.read("max")};
}

}  // namespace

wire::Measured measure() {
  wire::Measured measured;
  measured.memory_bytes = memory_bytes();
  struct statfs status{};
  if (::statfs("/", &status) == 0) {
    measured.disk_used_bytes =
        (status.f_blocks - status.f_bfree) * static_cast<std::uint64_t>(status.f_bsize);
  }
  return measured;
}

void LimitCount::begin(const wire::Configure& settings) {
  if (settings.counts_limits) {
    before_ = counts();
  }
}

std::optional<wire::LimitsMet> LimitCount::end() const {
  if (!before_) {
    return std::nullopt;
  }
  wire::LimitsMet met = counts();
  met.oom_kills -= std::min(met.oom_kills, before_->oom_kills);
  met.refused_forks -= std::min(met.refused_forks, before_->refused_forks);
  struct statfs status{};
  if (::statfs("/", &status) == 0) {
    met.disk_free_bytes = status.f_bavail * static_cast<std::uint64_t>(status.f_bsize);
    met.disk_free_inodes = status.f_ffree;
  }
  return met;
}

}  // namespace msb::agent
