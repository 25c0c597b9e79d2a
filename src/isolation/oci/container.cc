// SPDX-License-Identifier: Apache-2.0
//
// What the runtime needs of the host's file system it finds in a mount namespace of its own, which
// is the host's but for
//   /tmp             a small file system for the bundle, the runtime's state and the sandbox's
//   root.
//                    $MSB_HOME would not do: it is closed to all but its owner, and the container's
//                    root is nobody there.
//   /proc            of the new pid namespace
//   /sys/fs/cgroup   read-only, since the limits are the warden's; without the unified hierarchy
//                    beside those of version 1, which crun refuses
#include "isolation/oci/container.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/jail/building.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/in_root.h"
#include "isolation/jail/mounts.h"
#include "isolation/oci/bundle.h"

namespace msb::isolation::oci {
namespace {

namespace sys = base::sys;
using jail::Building;

constexpr const char* kPlace = "/tmp";
constexpr const char* kRootPath = "/tmp/root";  // see jail/overlay.cc
constexpr const char* kBundlePath = "/tmp/bundle";
constexpr const char* kStatePath = "/tmp/state";
constexpr const char* kAgentInside = "/.sandbox/agent";

const Runtime& runtime_of(const Building& building) {
  return find_runtime(building.plan.tier.runtime);
}

Result<> require_root(Building& building) {
  if (!building.plan.powers.is_root) {
    return fail(ErrorCode::kUnsupported,
                "OCI runtimes are started as the host's root only; run as root, or use the jail");
  }
  return {};
}

Result<> require_program(Building& building) {
  TRY(find_program(runtime_of(building)));
  return {};
}

Result<> close_cgroups(Building& /*building*/) {
  constexpr const char* kCgroups = "/sys/fs/cgroup";
  ::umount2("/sys/fs/cgroup/unified", MNT_DETACH);  // only hybrid hosts have it
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(AT_FDCWD, kCgroups, AT_RECURSIVE, &attributes, sizeof attributes) < 0 &&
      errno != ENOENT && errno != EINVAL) {
    return std::unexpected(sys::error("mount_setattr", kCgroups));
  }
  return {};
}

Result<> make_staging(Building& building) {
  building.staging =
      TRY(jail::make_file_system("tmpfs", {{"mode", "711"}, {"size", "32m"}}, MOUNT_ATTR_NOSUID));
  const base::UniqueFd target = TRY(jail::open_path(AT_FDCWD, kPlace));
  TRY(jail::attach(building.staging.get(), target.get()));
  if (::fchdir(building.staging.get()) < 0) {
    return std::unexpected(sys::error("fchdir"));
  }
  return {};
}

Result<> add_sys(Building& building) {
  return runtime_of(building).makes_sys ? Result<>() : jail::add_sys(building);
}

// A copy: what is executed is what the warden has loaded, whatever happens to the file it was in.
Result<> copy_agent(int agent, int folder) {
  const base::UniqueFd copy = TRY(sys::openat(folder, "agent", O_WRONLY | O_CREAT | O_EXCL, 0555));
  const struct stat status = TRY(sys::fstat(agent));
  off_t offset = 0;
  while (offset < status.st_size) {
    const ssize_t sent =
        ::sendfile(copy.get(), agent, &offset, static_cast<std::size_t>(status.st_size - offset));
    if (sent <= 0) {
      return std::unexpected(sys::error("sendfile", "msb-agent"));
    }
  }
  return {};
}

Result<> add_agent(Building& building) {
  const int staging = building.staging.get();
  TRY(copy_agent(building.plan.agent, staging));
  TRY(jail::make_folder_in_root(building.root.get(), "/.sandbox", 0755));
  const base::UniqueFd target = TRY(jail::make_file_in_root(building.root.get(), kAgentInside));
  const base::UniqueFd agent = TRY(jail::clone_mount(staging, "agent"));
  TRY(jail::set_attributes(agent.get(),
                           {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV}));
  return jail::attach(agent.get(), target.get());
}

Result<> become_host_root(Building& /*building*/) {
  return jail::build_as_host_root();
}

Result<> add_proc(Building& /*building*/) {
  const base::UniqueFd proc = TRY(jail::make_file_system("proc", {}, 0));
  const base::UniqueFd target = TRY(jail::open_path(AT_FDCWD, "/proc"));
  return jail::attach(proc.get(), target.get());
}

std::vector<std::string> agent_command(const Building& building) {
  std::vector<std::string> words = {
      kAgentInside, building.writes_to_host ? "--confine-with-volumes" : "--confine"};
  if (runtime_of(building).stream == Runtime::Stream::kStandardInput) {
    words.emplace_back("--stdin");
  }
  return words;
}

Result<> write_bundle(Building& building) {
  const jail::Plan& plan = building.plan;
  TRY(sys::mkdir(kBundlePath, 0700));
  return base::write_file_atomic(std::string(kBundlePath) + "/config.json",
                                 config_json({.root_path = kRootPath,
                                              .hostname = plan.hostname,
                                              .arguments = agent_command(building),
                                              .range = plan.range,
                                              .memory_bytes = plan.limits.memory_bytes}));
}

// Leaves what the runtime gets, and the status socket, which the exec closes.
Result<> arrange_descriptors(Building& building) {
  jail::Plan& plan = building.plan;
  building.layers.clear();
  building.volumes.clear();
  plan.volumes.clear();
  const bool by_input = runtime_of(building).stream == Runtime::Stream::kStandardInput;
  constexpr int kStreamFd = 3;
  constexpr int kStatusFd = 4;
  const jail::Placement placements[] = {
      {.source = by_input ? plan.stream : -1, .number = STDIN_FILENO},
      {.number = STDOUT_FILENO},
      {.source = plan.complaints, .number = STDERR_FILENO},
      {.source = by_input ? -1 : plan.stream, .number = kStreamFd},
      {plan.status, kStatusFd, O_CLOEXEC}};
  TRY(jail::place_descriptors(placements));
  plan.status = kStatusFd;
  return {};
}

Result<> execute_runtime(Building& building) {
  const Runtime& runtime = runtime_of(building);
  const std::string program = TRY(find_program(runtime));
  std::vector<std::string> words = command_line(runtime, {.program = program,
                                                          .state_path = kStatePath,
                                                          .bundle_path = kBundlePath,
                                                          .id = building.plan.id,
                                                          .has_volumes = building.has_volumes});
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  char* env[] = {nullptr};
  ::umask(022);
  ::execve(program.c_str(), argv.data(), env);
  return std::unexpected(sys::error("execve", program));
}

constexpr jail::Step kSteps[] = {
    {"keep descriptors", jail::keep_descriptors},
    {"reset signals", jail::reset_signals},
    {"look for root's power", require_root},
    {"look for the runtime", require_program},
    {"enter cgroup", jail::enter_cgroup},
    {"take layers and volumes", jail::clone_host_mounts},
    {"open writable layer", jail::open_writable_layer},
    {"enter namespaces", jail::enter_namespaces},
    {"bring up loopback", jail::bring_up_network},
    {"close cgroups", close_cgroups},
    {"make staging", make_staging},
    {"mount writable layer", jail::mount_writable_layer},
    {"mount root", jail::mount_root},
    {"write /etc", jail::fill_etc},
    {"attach volumes", jail::add_volumes},
    {"make /sys", add_sys},
    {"add agent", add_agent},
    {"become the host's root", become_host_root},
    {"make /proc", add_proc},
    {"write bundle", write_bundle},
    {"limit resources", jail::limit_resources},
    {"report", jail::report_ready},
    {"arrange descriptors", arrange_descriptors},
    {"execute runtime", execute_runtime},
};

}  // namespace

void run(jail::Plan& plan) {
  jail::build(plan, kSteps);
}

}  // namespace msb::isolation::oci
