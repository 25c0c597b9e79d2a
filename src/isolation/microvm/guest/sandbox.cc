// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <utility>

#include "base/sys.h"
#include "isolation/jail/building.h"
#include "isolation/jail/first_process.h"
#include "isolation/jail/id_map.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/mounts.h"
#include "isolation/jail/status_report.h"
#include "isolation/jail/steps.h"
#include "isolation/jail/writable_layer.h"
#include "isolation/microvm/shared_folder.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;
using jail::Building;

constexpr const char* kImageDevice = "/dev/vda";
constexpr const char* kDiskDevice = "/dev/vdb";
constexpr const char* kEngineId = "0000000000000000";
constexpr std::uint64_t kInert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

// The image has its ids as the sandbox sees them; the disk is in store identity, as on the host.
Result<> mount_image(Building& building) {
  auto context = TRY(jail::FileSystemContext::create("erofs"));
  TRY(context.set("source", kImageDevice));
  TRY(context.flag("ro"));  // the device is
  base::UniqueFd image = TRY(context.mount(kInert | MOUNT_ATTR_RDONLY));
  TRY_WRAP(jail::set_attributes(image.get(), {.id_map = building.plan.user_namespace}), "image");
  building.layers.push_back(std::move(image));
  return {};
}

Result<> mount_disk(Building& building) {
  building.writable = TRY(jail::mount_disk(kDiskDevice, building.plan.layer_map));
  return {};
}

Result<> prepare_disk(Building& building) {
  TRY(jail::build_as(building.plan.range));
  return jail::prepare_overlay_folders(building.writable.mount.get());
}

// The kernel's own is the same in every clone, for ever: a file of ours covers it. Its mount is
// copied while the caller is in the mount namespace that has it.
Result<> copy_boot_id(Building& building) {
  base::UniqueFd file = TRY(jail::clone_mount(AT_FDCWD, kBootIdFile));
  building.volumes.push_back({.mount = std::move(file),
                              .guest_path = "/proc/sys/kernel/random/boot_id",
                              .is_folder = false,
                              .weakness = {}});
  return {};
}

constexpr jail::Step kSteps[] = {
    {"keep descriptors", jail::keep_descriptors},
    {"reset signals", jail::reset_signals},
    {"enter cgroup", jail::enter_cgroup},
    {"mount image", mount_image},
    {"mount disk", mount_disk},
    {"copy boot id", copy_boot_id},
    {"enter namespaces", jail::enter_namespaces},
    {"set hostname", jail::name_host},
    {"bring up loopback", jail::bring_up_network},
    {"make staging", jail::make_staging},
    {"prepare disk", prepare_disk},
    {"mount root", jail::mount_root},
    {"write /etc", jail::fill_etc},
    {"make /dev", jail::add_devices},
    {"make /proc", jail::add_proc},
    {"cover boot id", jail::add_volumes},
    {"make /sys", jail::add_sys},
    {"change root", jail::change_root},
    {"limit resources", jail::limit_resources},
    {"report", jail::report_ready},
    {"become the sandbox's root", jail::change_identity},
    {"arrange descriptors", jail::arrange_descriptors},
    {"restrict system calls", jail::restrict_self},
    {"execute agent", jail::execute_agent},
};

// More than the processors that the machine has it cannot use: where they are what it may use, a
// quota would be counted for nothing.
Limits limits_inside(Limits limits) {
  if (limits.cpus == std::ceil(limits.cpus)) {
    limits.cpus = kAllProcessors;
  }
  return limits;
}

// What the first process says until it is the agent.
Result<base::UniqueFd> await_agent(int status) {
  base::UniqueFd host_name;
  bool ready = false;
  for (;;) {
    auto message = TRY(sys::receive_message(status, jail::kMaxStatusBytes));
    if (message.bytes.empty()) {
      break;
    }
    const auto report = TRY(jail::StatusReport::decode(message.bytes));
    if (report.kind == jail::StatusReport::Kind::kFailed) {
      return std::unexpected(report.error);
    }
    ready = true;
    if (message.fds.size() > 1) {
      host_name = std::move(message.fds[1]);
    }
  }
  if (!ready || !host_name) {
    return fail(ErrorCode::kInternal, "the sandbox died while it was being set up");
  }
  return host_name;
}

}  // namespace

Result<InnerSandbox> start_sandbox(const Booted& booted, const std::string& hostname,
                                   const Limits& limits) {
  InnerSandbox sandbox;
  sandbox.cgroups = TRY(cgroup::open_backend(kEngineId, ::getpid()));
  TRY(sandbox.cgroups->make(kSandboxId, limits_inside(limits), cgroup::CpuWeight::kNormal));
  const jail::IdMap ids = jail::sandbox_map(kGuestRange);
  const base::UniqueFd user_namespace =
      TRY(jail::make_user_namespace(ids, ids, jail::NamespaceUse::kSandbox));
  const jail::IdMap store = jail::store_map(kGuestRange);
  const base::UniqueFd disk_map =
      TRY(jail::make_user_namespace(store, store, jail::NamespaceUse::kMounts));
  auto [our_status, their_status] = TRY(sys::socketpair(AF_UNIX, SOCK_SEQPACKET));

  const base::UniqueFd cgroup = TRY(sandbox.cgroups->birth_folder(kSandboxId));
  jail::FirstProcess first = TRY(jail::clone_first_process(cgroup));
  sandbox.pid = first.pid;
  sandbox.pidfd = std::move(first.pidfd);
  if (sandbox.pid == 0) {
    jail::Plan plan;
    plan.id = kSandboxId;
    plan.hostname = hostname;
    plan.limits = limits;
    plan.is_spare = true;  // its host name can be changed
    plan.range = kGuestRange;
    plan.cgroups = sandbox.cgroups.get();
    plan.staging_path = kStagingFolder;
    plan.agent = booted.agent.get();
    plan.stream = booted.stream.get();
    plan.status = their_status.get();
    plan.user_namespace = user_namespace.get();
    plan.layer_map = disk_map.get();
    jail::build(plan, kSteps);
  }
  their_status.reset();
  const base::UniqueFd host_name = TRY(await_agent(our_status.get()));
  if (::setns(host_name.get(), CLONE_NEWUTS) < 0) {
    return std::unexpected(sys::error("setns(uts)"));
  }
  return sandbox;
}

}  // namespace msb::isolation::microvm
