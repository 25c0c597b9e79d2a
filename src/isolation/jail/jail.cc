// SPDX-License-Identifier: Apache-2.0
//
// The order is the design. Everything is made while the process has the host's root's power and
// before any byte of the guest runs, in namespaces that belong to the host; the sandbox's user
// namespace is entered when nothing is left to be made (docs/decisions/0002). Copies of host mounts
// are taken first of all, because the kernel takes them only from the caller's own mount namespace.
#include "isolation/jail/jail.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/sys.h"
#include "isolation/jail/building.h"
#include "isolation/jail/devices.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/landlock.h"
#include "isolation/jail/mounts.h"
#include "isolation/jail/proc_files.h"
#include "isolation/jail/steps.h"
#include "isolation/jail/system_calls.h"

namespace msb::isolation::jail {

namespace sys = base::sys;

Result<> name_host(Building& building) {
  const std::string& name = building.plan.hostname;
  if (::sethostname(name.data(), name.size()) < 0) {
    return std::unexpected(sys::error("sethostname", name));
  }
  if (building.plan.is_spare) {
    building.host_name = TRY(sys::open("/proc/self/ns/uts", O_RDONLY));
  }
  return {};
}

Result<> make_staging(Building& building) {
  building.staging =
      TRY(make_file_system("tmpfs", {{"mode", "700"}, {"size", "1m"}}, MOUNT_ATTR_NOSUID));
  const base::UniqueFd target = TRY(open_path(AT_FDCWD, building.plan.staging_path));
  TRY(attach(building.staging.get(), target.get()));
  if (::fchdir(building.staging.get()) < 0) {
    return std::unexpected(sys::error("fchdir"));
  }
  return {};
}

Result<> add_devices(Building& building) {
  const Plan& plan = building.plan;
  building.shared_memory =
      TRY(mount_devices(building.root.get(), plan.range, plan.limits.memory_bytes,
                        plan.powers.is_root ? DeviceNodes::kMake : DeviceNodes::kBindFromHost));
  return {};
}

Result<> add_proc(Building& building) {
  return mount_proc(building.root.get());
}

Result<> change_root(Building& building) {
  if (::fchdir(building.root.get()) < 0) {
    return std::unexpected(sys::error("fchdir"));
  }
  // Both names are the new root: the old one is stacked upon it, and goes at once.
  if (::syscall(SYS_pivot_root, ".", ".") < 0) {
    return std::unexpected(sys::error("pivot_root"));
  }
  if (::umount2(".", MNT_DETACH) < 0) {
    return std::unexpected(sys::error("umount", "old root"));
  }
  if (::chdir("/") < 0) {
    return std::unexpected(sys::error("chdir", "/"));
  }
  return {};
}

Result<> change_identity(Building& building) {
  return become_sandbox_root(building.plan.user_namespace);
}

// Leaves the stream, the standard descriptors, and two that the exec closes.
Result<> arrange_descriptors(Building& building) {
  Plan& plan = building.plan;
  building.layers.clear();
  building.volumes.clear();
  plan.volumes.clear();
  constexpr int kStreamFd = 3;
  constexpr int kAgentFd = 4;
  constexpr int kStatusFd = 5;
  const Placement placements[] = {
      {.number = STDIN_FILENO},          {.number = STDOUT_FILENO},
      {.number = STDERR_FILENO},         {.source = plan.stream, .number = kStreamFd},
      {plan.agent, kAgentFd, O_CLOEXEC}, {plan.status, kStatusFd, O_CLOEXEC}};
  TRY(place_descriptors(placements));
  plan.agent = kAgentFd;
  plan.status = kStatusFd;
  return {};
}

Result<> restrict_self(Building& building) {
  TRY(restrict_by_landlock());
  return restrict_system_calls(building.writes_to_host ? SetIdBits::kRefused
                                                       : SetIdBits::kMeaningless);
}

Result<> execute_agent(Building& building) {
  ::umask(022);
  char name[] = "msb-agent";
  char* argv[] = {name, nullptr};
  char* env[] = {nullptr};
  ::syscall(SYS_execveat, building.plan.agent, "", argv, env, AT_EMPTY_PATH);
  return std::unexpected(sys::error("execveat", "msb-agent"));
}

namespace {

constexpr Step kSteps[] = {
    {"keep descriptors", keep_descriptors},
    {"reset signals", reset_signals},
    {"enter cgroup", enter_cgroup},
    {"take layers and volumes", clone_host_mounts},
    {"open writable layer", open_writable_layer},
    {"enter namespaces", enter_namespaces},
    {"set hostname", name_host},
    {"bring up loopback", bring_up_network},
    {"make staging", make_staging},
    {"mount writable layer", mount_writable_layer},
    {"mount root", mount_root},
    {"write /etc", fill_etc},
    {"attach volumes", add_volumes},
    {"make /dev", add_devices},
    {"make /proc", add_proc},
    {"make /sys", add_sys},
    {"change root", change_root},
    {"limit resources", limit_resources},
    {"report", report_ready},
    {"become the sandbox's root", change_identity},
    {"arrange descriptors", arrange_descriptors},
    {"restrict system calls", restrict_self},
    {"execute agent", execute_agent},
};

}  // namespace

void run(Plan& plan) {
  build(plan, kSteps);
}

}  // namespace msb::isolation::jail
