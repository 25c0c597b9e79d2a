// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/resource_limits.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

// Soft and hard; never above what we have ourselves, which only a privileged host could raise.
Result<> set(__rlimit_resource resource, rlim_t soft, rlim_t hard, const char* name) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  limit.rlim_max = std::min(limit.rlim_max, hard);
  limit.rlim_cur = std::min(limit.rlim_max, soft);
  if (::setrlimit(resource, &limit) < 0) {
    return std::unexpected(sys::error("setrlimit", name));
  }
  return {};
}

}  // namespace

Result<> set_resource_limits(std::optional<std::uint32_t> max_processes) {
  constexpr rlim_t kOpenFiles = 1 << 20;
  constexpr rlim_t kOpenFilesAtFirst = 1 << 16;
  constexpr rlim_t kLockedBytes = 8 << 20;
  constexpr rlim_t kMessageQueueBytes = 800 << 10;
  // Not 0: a core_pattern that is a pipe (apport, systemd-coredump) ignores all limits but this
  // one, and would run as the host's root on what the guest has made. The system call filter keeps
  // it.
  TRY(set(RLIMIT_CORE, 1, 1, "core"));
  TRY(set(RLIMIT_NOFILE, kOpenFilesAtFirst, kOpenFiles, "nofile"));
  TRY(set(RLIMIT_MEMLOCK, kLockedBytes, kLockedBytes, "memlock"));
  TRY(set(RLIMIT_MSGQUEUE, kMessageQueueBytes, kMessageQueueBytes, "msgqueue"));
  TRY(set(RLIMIT_NICE, 0, 0, "nice"));
  TRY(set(RLIMIT_RTPRIO, 0, 0, "rtprio"));
  if (max_processes) {
    TRY(set(RLIMIT_NPROC, *max_processes, *max_processes, "nproc"));
  }
  return {};
}

void prefer_as_oom_victim() {
  // Written with CAP_SYS_RESOURCE it is also the least value the guest can set for itself.
  // Protecting the agent by a value below the host's own would turn that around: every process of a
  // guest could take the agent's place.
  if (const auto file = sys::open("/proc/self/oom_score_adj", O_WRONLY)) {
    [[maybe_unused]] const auto written = base::write_all(file->get(), "200");
  }
}

}  // namespace msb::isolation::jail
