// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/building.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/jail/disk_image.h"
#include "isolation/jail/etc_files.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/layers.h"
#include "isolation/jail/mounts.h"
#include "isolation/jail/network.h"
#include "isolation/jail/overlay.h"
#include "isolation/jail/resource_limits.h"
#include "isolation/jail/status_report.h"
#include "isolation/jail/sys_files.h"

namespace msb::isolation::jail {

namespace sys = base::sys;

Result<> keep_descriptors(Building& building) {
  const Plan& plan = building.plan;
  std::vector<int> kept = {0,
                           1,
                           2,
                           plan.home,
                           plan.agent,
                           plan.stream,
                           plan.status,
                           plan.complaints,
                           plan.orders,
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

Result<> place_descriptors(std::span<const Placement> placements) {
  // What is not placed goes with the exec.
  ::syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  constexpr int kAbove = 32;  // higher than all that is about to be overwritten
  const auto move_up = [](int fd) { return base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, kAbove)); };
  const base::UniqueFd null = move_up(TRY(sys::open("/dev/null", O_RDWR)).get());
  std::vector<base::UniqueFd> sources;
  sources.reserve(placements.size());
  for (const Placement& placement : placements) {
    sources.push_back(move_up(placement.source < 0 ? null.get() : placement.source));
  }
  for (std::size_t i = 0; i < placements.size(); ++i) {
    if (::dup3(sources[i].get(), placements[i].number, placements[i].flags) < 0) {
      return std::unexpected(sys::error("dup3"));
    }
  }
  return {};
}

Result<> clone_host_mounts(Building& building) {
  const Plan& plan = building.plan;
  building.layers = TRY(clone_layers(plan.home, plan.layers, plan.layer_map));
  building.volumes =
      TRY(clone_volumes(plan.volumes, plan.range, {plan.volume_uid, plan.volume_gid},
                        plan.powers.is_root ? VolumeIds::kMapped : VolumeIds::kAsOnHost));
  building.has_volumes = !plan.volumes.empty();
  building.writes_to_host = !std::ranges::all_of(plan.volumes, &Volume::read_only);
  return {};
}

Result<> open_writable_layer(Building& building) {
  const Plan& plan = building.plan;
  const base::UniqueFd folder =
      TRY(sys::open_beneath(plan.home, plan.writable, O_PATH | O_DIRECTORY));
  if (!plan.powers.disk_images) {
    building.writable = TRY(clone_writable_folder(folder.get(), plan.layer_map));
    return {};
  }
  const base::UniqueFd templates = TRY(sys::open_beneath(plan.home, "tmp", O_RDONLY | O_DIRECTORY));
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

Result<> bring_up_network(Building& /*building*/) {
  return set_up_loopback();
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

Result<> add_sys(Building& building) {
  return mount_sys(building.root.get(), building.staging.get(),
                   building.plan.cgroups->v2() ? CgroupVersion::kTwo : CgroupVersion::kOne);
}

Result<> limit_resources(Building& building) {
  const Plan& plan = building.plan;
  return set_resource_limits(
      plan.cgroups->limits_processes() ? std::nullopt : std::optional(plan.limits.max_processes));
}

Result<> report_ready(Building& building) {
  StatusReport report;
  report.disk_limited = building.writable.disk_limited;
  for (const VolumeMount& volume : building.volumes) {
    if (!volume.weakness.empty()) {
      report.weaknesses.push_back(volume.weakness);
    }
  }
  std::vector<int> fds = {building.writable.mount.get()};
  if (building.plan.is_spare) {
    fds.push_back(building.host_name.get());
    fds.push_back(building.shared_memory.get());
  }
  return sys::send_message(building.plan.status, report.encode(), fds);
}

namespace {

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

Error run_steps(Building& building, std::span<const Step> steps) {
  StepTimes times;
  for (const Step& step : steps) {
    if (&step == &steps.back()) {
      times.print();
    }
    if (auto done = step.run(building); !done) {
      return std::move(done).error().wrap(step.name);
    }
    &step == &steps.front() ? times.start() : times.after(step);
  }
  return {ErrorCode::kInternal, "the execution returned"};
}

}  // namespace

void build(Plan& plan, std::span<const Step> steps) {
  Building building{plan, {}, {}, {}, {}, {}, {}, {}, {}, false};
  StatusReport report;
  report.kind = StatusReport::Kind::kFailed;
  report.error = run_steps(building, steps);
  [[maybe_unused]] const auto sent = sys::send_message(plan.status, report.encode(), {});
  ::_exit(1);
}

}  // namespace msb::isolation::jail
