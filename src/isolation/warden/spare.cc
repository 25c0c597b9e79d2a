// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/spare.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/sys.h"
#include "isolation/jail/devices.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

Result<> rename_host(int uts_namespace, const std::string& name) {
  const base::UniqueFd own = TRY(sys::open("/proc/self/ns/uts", O_RDONLY));
  if (::setns(uts_namespace, CLONE_NEWUTS) < 0) {
    return std::unexpected(sys::error("setns(uts)"));
  }
  Result<> named;
  if (::sethostname(name.data(), name.size()) < 0) {
    named = std::unexpected(sys::error("sethostname", name));
  }
  if (::setns(own.get(), CLONE_NEWUTS) < 0) {
    return std::unexpected(sys::error("setns(uts)", "back"));
  }
  return named;
}

}  // namespace

Result<> adjust(const Spare& spare, const AdjustRequest& request, cgroup::Backend& cgroups) {
  const Limits& from = spare.limits;
  const Limits& to = request.limits;
  if (to.disk_bytes != from.disk_bytes) {
    return fail(ErrorCode::kUnsupported, "the size of a writable layer cannot be changed");
  }
  if (to.max_processes != from.max_processes && !cgroups.limits_processes()) {
    return fail(ErrorCode::kUnsupported,
                "without a pids cgroup the limit on processes cannot be changed");
  }
  TRY(rename_host(spare.host_name.get(), request.hostname));
  if (to.memory_bytes != from.memory_bytes) {
    TRY(jail::resize_shared_memory(spare.shared_memory.get(), to.memory_bytes));
  }
  return cgroups.adjust(request.id, from, to);
}

}  // namespace msb::isolation::warden
