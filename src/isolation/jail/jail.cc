// SPDX-License-Identifier: Apache-2.0
//
// The order is the design. Everything is made while the process has the host's root's power and
// before any byte of the guest runs, in namespaces that belong to the host; the sandbox's user
// namespace is entered when nothing is left to be made (docs/decisions/0002). Copies of host mounts
// are taken first of all, because the kernel takes them only from the caller's own mount namespace.
//
// Nothing needs to be undone on failure: the process dies, and its namespaces, mounts and loop
// device with it.
#include "isolation/jail/jail.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/jail/devices.h"
#include "isolation/jail/disk_image.h"
#include "isolation/jail/etc_files.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/in_root.h"
#include "isolation/jail/landlock.h"
#include "isolation/jail/layers.h"
#include "isolation/jail/mounts.h"
#include "isolation/jail/network.h"
#include "isolation/jail/overlay.h"
#include "isolation/jail/proc_files.h"
#include "isolation/jail/resource_limits.h"
#include "isolation/jail/status_report.h"
#include "isolation/jail/sys_files.h"
#include "isolation/jail/system_calls.h"
#include "isolation/jail/volumes.h"
#include "isolation/jail/writable_layer.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr int kStreamFd = 3;

// What the steps hand on to each other.
struct Building {
  Plan& plan;
  std::vector<base::UniqueFd> layers;
  std::vector<VolumeMount> volumes;
  base::UniqueFd disk_image;  // or, without loop devices, the writable folder
  base::UniqueFd staging;     // a tmpfs, the working directory
  WritableLayer writable;
  base::UniqueFd root;
  bool writes_to_host = false;  // through a volume
};

Result<> keep_descriptors(Building& building) {
  const Plan& plan = building.plan;
  std::vector<int> kept = {0,
                           1,
                           2,
                           plan.home,
                           plan.agent,
                           plan.stream,
                           plan.status,
                           plan.user_namespace,
                           plan.layer_map};
  for (const Volume& volume : plan.volumes) {
    kept.push_back(volume.source.get());
  }
  std::ranges::sort(kept);
  unsigned next = 0;
  for (const int fd : kept) {
    if (fd < 0) {
      continue;
    }
    const auto number = static_cast<unsigned>(fd);
    if (number > next) {
      ::close_range(next, number - 1, 0);
    }
    next = std::max(next, number + 1);
  }
  ::close_range(next, ~0u, 0);
  return {};
}

Result<> reset_signals(Building& /*building*/) {
  for (int number = 1; number < NSIG; ++number) {
    ::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  ::umask(0);
  return {};
}

Result<> enter_cgroup(Building& building) {
  prefer_as_oom_victim();
  return building.plan.cgroups->enter(building.plan.id);
}

Result<> clone_host_mounts(Building& building) {
  const Plan& plan = building.plan;
  building.layers = TRY(clone_layers(plan.home, plan.layers, plan.layer_map));
  building.volumes =
      TRY(clone_volumes(plan.volumes, plan.range, {plan.volume_uid, plan.volume_gid},
                        plan.powers.is_root ? VolumeIds::kMapped : VolumeIds::kAsOnHost));
  building.writes_to_host = !std::ranges::all_of(plan.volumes, &Volume::read_only);
  return {};
}

Result<> open_writable_layer(Building& building) {
  const Plan& plan = building.plan;
  const base::UniqueFd folder = TRY(sys::openat2(plan.home, plan.writable, O_PATH | O_DIRECTORY,
                                                 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS));
  if (!plan.powers.disk_images) {
    building.writable = TRY(clone_writable_folder(folder.get(), plan.layer_map));
    return {};
  }
  const base::UniqueFd templates = TRY(sys::openat(plan.home, "tmp", O_RDONLY | O_DIRECTORY));
  building.disk_image = TRY(open_disk_image(folder.get(), templates.get(), plan.limits.disk_bytes));
  return {};
}

Result<> enter_namespaces(Building& /*building*/) {
  // The pid namespace is there since birth.
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP) < 0) {
    return std::unexpected(sys::error("unshare"));
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    return std::unexpected(sys::error("mount(private)", "/"));
  }
  return {};
}

Result<> name_host(Building& building) {
  const std::string& name = building.plan.hostname;
  if (::sethostname(name.data(), name.size()) < 0) {
    return std::unexpected(sys::error("sethostname", name));
  }
  return {};
}

Result<> bring_up_network(Building& /*building*/) {
  return set_up_loopback();
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

Result<> mount_writable_layer(Building& building) {
  const Plan& plan = building.plan;
  if (plan.powers.disk_images) {
    building.writable = TRY(mount_disk_image(building.disk_image.get(), ".", plan.layer_map));
  }
  TRY(build_as(plan.range));
  return prepare_overlay_folders(building.writable.mount.get());
}

Result<> mount_root(Building& building) {
  building.root =
      TRY(mount_overlay(building.staging.get(), building.layers, building.writable.mount));
  return {};
}

Result<> fill_etc(Building& building) {
  return write_etc_files(building.root.get(), building.plan.hostname);
}

Result<> add_volumes(Building& building) {
  return attach_volumes(building.root.get(), building.volumes);
}

Result<> add_devices(Building& building) {
  const Plan& plan = building.plan;
  return mount_devices(building.root.get(), plan.range, plan.limits.memory_bytes,
                       plan.powers.is_root ? DeviceNodes::kMake : DeviceNodes::kBindFromHost);
}

Result<> add_proc(Building& building) {
  return mount_proc(building.root.get());
}

Result<> add_sys(Building& building) {
  return mount_sys(building.root.get(), building.staging.get(),
                   building.plan.cgroups->v2() ? CgroupVersion::kTwo : CgroupVersion::kOne);
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

Result<> limit_resources(Building& building) {
  const Plan& plan = building.plan;
  return set_resource_limits(
      plan.cgroups->limits_processes() ? std::nullopt : std::optional(plan.limits.max_processes));
}

Result<> change_identity(Building& building) {
  return become_sandbox_root(building.plan.user_namespace);
}

Result<> report_ready(Building& building) {
  StatusReport report;
  report.disk_limited = building.writable.disk_limited;
  for (const VolumeMount& volume : building.volumes) {
    if (!volume.weakness.empty()) {
      report.weaknesses.push_back(volume.weakness);
    }
  }
  const int gauge = building.writable.mount.get();
  return sys::send_message(building.plan.status, report.encode(), std::span(&gauge, 1));
}

// Leaves the stream, the standard descriptors, and two that the exec closes.
Result<> arrange_descriptors(Building& building) {
  Plan& plan = building.plan;
  building.layers.clear();
  building.volumes.clear();
  plan.volumes.clear();
  constexpr int kAbove = 16;  // higher than all that is about to be overwritten
  const auto move_up = [](int fd) { return base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, kAbove)); };
  const base::UniqueFd null = move_up(TRY(sys::open("/dev/null", O_RDWR)).get());
  const base::UniqueFd agent = move_up(plan.agent);
  const base::UniqueFd status = move_up(plan.status);
  const base::UniqueFd stream = move_up(plan.stream);
  constexpr int kAgentFd = 4;
  constexpr int kStatusFd = 5;
  for (int standard = 0; standard <= 2; ++standard) {
    if (::dup2(null.get(), standard) < 0) {
      return std::unexpected(sys::error("dup2"));
    }
  }
  if (::dup2(stream.get(), kStreamFd) < 0 || ::dup3(agent.get(), kAgentFd, O_CLOEXEC) < 0 ||
      ::dup3(status.get(), kStatusFd, O_CLOEXEC) < 0) {
    return std::unexpected(sys::error("dup2"));
  }
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
  // From here on only what is marked close-on-exec is open beside the stream and its three.
  ::syscall(SYS_close_range, 6u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  char name[] = "msb-agent";
  char* argv[] = {name, nullptr};
  char* env[] = {nullptr};
  ::syscall(SYS_execveat, building.plan.agent, "", argv, env, AT_EMPTY_PATH);
  return std::unexpected(sys::error("execveat", "msb-agent"));
}

struct Step {
  const char* name;
  Result<> (*run)(Building&);
};

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

// $MSB_TRACE_JAIL of the warden: microseconds per step, on its standard error.
class StepTimes {
 public:
  // After the first step, which closes what it does not know.
  void start() {
    if (::getenv("MSB_TRACE_JAIL") != nullptr) {
      output_.reset(::fcntl(2, F_DUPFD_CLOEXEC, kOutOfTheWay));
      last_us_ = now_us();
    }
  }
  void after(const Step& step) {
    if (output_) {
      const std::int64_t now = now_us();
      text_ += std::to_string(now - last_us_) + " " + step.name + "\n";
      last_us_ = now_us();
    }
  }
  void print() {
    if (output_) {
      [[maybe_unused]] const auto written = base::write_all(output_.get(), text_);
    }
  }

 private:
  static constexpr int kOutOfTheWay = 64;
  static std::int64_t now_us() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  }
  base::UniqueFd output_;
  std::int64_t last_us_ = 0;
  std::string text_;
};

// Ends with the failure; success ends in the exec.
Error build_and_execute(Building& building) {
  StepTimes times;
  for (const Step& step : kSteps) {
    if (step.run == execute_agent) {
      times.print();
    }
    if (auto done = step.run(building); !done) {
      return std::move(done).error().wrap(step.name);
    }
    step.run == keep_descriptors ? times.start() : times.after(step);
  }
  return {ErrorCode::kInternal, "the agent's execution returned"};
}

}  // namespace

void run(Plan& plan) {
  Building building{plan, {}, {}, {}, {}, {}, {}, false};
  StatusReport report;
  report.kind = StatusReport::Kind::kFailed;
  report.error = build_and_execute(building);
  [[maybe_unused]] const auto sent = sys::send_message(plan.status, report.encode(), {});
  ::_exit(1);
}

}  // namespace msb::isolation::jail
