// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/machine_jail.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/jail/building.h"
#include "isolation/jail/disk_image.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/landlock.h"
#include "isolation/jail/mounts.h"
#include "isolation/jail/resource_limits.h"
#include "isolation/jail/steps.h"
#include "isolation/jail/system_calls.h"
#include "isolation/microvm/accelerator.h"
#include "isolation/microvm/flat_image.h"
#include "isolation/microvm/initramfs.h"
#include "isolation/microvm/request.h"
#include "isolation/microvm/settings.h"
#include "isolation/microvm/shared_folder.h"
#include "isolation/microvm/supervisor.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;
using jail::Building;

constexpr std::size_t kMaxProgramBytes = 64 << 20;
constexpr std::uint32_t kQemuThreads = 96;  // its own, and those that read and write disks
constexpr std::uint64_t kInert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

Request& request_of(Building& building) {
  return *building.plan.machine;
}

Result<> choose(Building& building) {
  Request& request = request_of(building);
  const AcceleratorChoice choice = choose_accelerator();
  request.accelerator = choice.accelerator;
  if (choice.accelerator == Accelerator::kTcg) {
    request.weaknesses.push_back("microvm: " + slowness_of(choice));
  }
  return {};
}

Result<> open_image(Building& building) {
  Request& request = request_of(building);
  request.image = TRY(open_flat_image(building.plan, request.image_digest));
  return {};
}

// As for a jail: read-only, and whose files they are, is a property of each mount.
Result<> take_volumes(Building& building) {
  const jail::Plan& plan = building.plan;
  Request& request = request_of(building);
  building.volumes = TRY(jail::clone_volumes(
      plan.volumes, plan.range, {plan.volume_uid, plan.volume_gid}, jail::VolumeIds::kMapped));
  for (const jail::VolumeMount& volume : building.volumes) {
    request.volumes.push_back({.guest_path = volume.guest_path,
                               .is_folder = volume.is_folder,
                               .read_only = volume.read_only});
    if (!volume.weakness.empty()) {
      request.weaknesses.push_back(volume.weakness);
    }
  }
  const jail::IdMap ids = {{kGuestRange.base, plan.range.base, plan.range.count}};
  request.user_namespace = TRY(jail::make_user_namespace(ids, ids, jail::NamespaceUse::kSandbox));
  return {};
}

std::uint32_t memory_mib(const Limits& limits) {
  return static_cast<std::uint32_t>(limits.memory_bytes >> 20) + kGuestKernelMib;
}

Result<> open_template(Building& building) {
  Request& request = request_of(building);
  if (request.memory != Memory::kClone) {
    return {};
  }
  request.template_fd =
      TRY(sys::open_beneath(building.plan.home, request.template_folder, O_PATH | O_DIRECTORY));
  const int folder = request.template_fd.get();
  request.state = TRY(sys::openat(folder, kTemplateState, O_RDONLY | O_NOFOLLOW));
  request.memory_file = TRY(jail::clone_mount(folder, kTemplateMemory));
  return jail::set_attributes(request.memory_file.get(),
                              {.set = kInert | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY});
}

// A clone's has been mounted by its guest, who goes on with it.
Result<> open_disk(Building& building) {
  const Request& request = request_of(building);
  if (request.memory != Memory::kClone) {
    return jail::open_writable_layer(building);
  }
  const jail::Plan& plan = building.plan;
  const base::UniqueFd folder =
      TRY(sys::open_beneath(plan.home, plan.writable, O_PATH | O_DIRECTORY));
  const base::UniqueFd source =
      TRY(sys::openat(request.template_fd.get(), jail::kDiskImageName, O_RDONLY | O_NOFOLLOW));
  building.disk_image = TRY(jail::copy_disk_image(folder.get(), source.get()));
  return {};
}

// By offset: where a read without one goes on, the warden's children share.
Result<std::string> read_agent(int agent) {
  const struct stat status = TRY(sys::fstat(agent));
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  auto rest = std::as_writable_bytes(std::span(content));
  while (!rest.empty()) {
    const auto offset = static_cast<off_t>(content.size() - rest.size());
    const std::size_t count = TRY(sys::pread(agent, rest, offset));
    if (count == 0) {
      return fail(ErrorCode::kCorrupt, "msb-agent: shorter than it was");
    }
    rest = rest.subspan(count);
  }
  return content;
}

Result<> gather_kernel(Building& building) {
  Request& request = request_of(building);
  request.kernel = TRY(find_kernel(kernel_roots(request.libexec)));
  if (!request.volumes.empty() && !request.kernel.has_volumes) {
    return fail(ErrorCode::kUnsupported, "volumes: the kernel " + request.kernel.version +
                                             " has no 9p; install linux-image-amd64, or unpack it "
                                             "with tools/fetch-guest-kernel");
  }
  request.supervisor = TRY(sys::open(request.libexec + "/msb-vm", O_RDONLY));
  if (request.memory == Memory::kClone) {
    return {};  // all of it is in the memory that it maps
  }
  const std::string init = TRY(base::read_file(request.libexec + "/msb-guest", kMaxProgramBytes));
  const std::string agent = TRY(read_agent(building.plan.agent));
  std::vector<std::string> modules = TRY(find_modules(request.kernel));
  request.initramfs =
      TRY(make_initramfs({.init = init, .agent = agent, .modules = std::move(modules)}));
  return {};
}

Result<> bind(int root, const std::string& source, const std::string& name, std::uint64_t set) {
  const base::UniqueFd mount = TRY(jail::clone_mount(AT_FDCWD, source));
  TRY(jail::set_attributes(mount.get(), {.set = set}));
  return jail::attach(mount.get(), root, name);
}

Result<> bind_file(int root, const std::string& source, const std::string& name,
                   std::uint64_t set) {
  TRY(sys::openat(root, name, O_CREAT | O_EXCL | O_WRONLY, 0644));
  return bind(root, source, name, set);
}

// As on the host: a link, or a folder of its own.
Result<> add_library_folder(int root, const std::string& name) {
  const std::string path = "/" + name;
  struct stat status{};
  if (::lstat(path.c_str(), &status) < 0) {
    return {};
  }
  if (S_ISLNK(status.st_mode)) {
    const std::string target = TRY(sys::readlink(path));
    return ::symlinkat(target.c_str(), root, name.c_str()) < 0
               ? Result<>(std::unexpected(sys::error("symlink", name)))
               : Result<>();
  }
  TRY(sys::mkdirat(root, name, 0755));
  return bind(root, path, name, kInert | MOUNT_ATTR_RDONLY);
}

Result<> add_device(int dev, const std::string& name) {
  const struct stat status = TRY(sys::stat("/dev/" + name));
  if (::mknodat(dev, name.c_str(), S_IFCHR | 0666, status.st_rdev) < 0 ||
      ::fchmodat(dev, name.c_str(), 0666, 0) < 0) {
    return std::unexpected(sys::error("mknod", name));
  }
  return {};
}

Result<> fill_dev(int root, Accelerator accelerator) {
  TRY(sys::mkdirat(root, "dev", 0755));
  const base::UniqueFd dev = TRY(sys::openat(root, "dev", O_PATH | O_DIRECTORY));
  for (const char* name : {"null", "urandom"}) {
    TRY(add_device(dev.get(), name));
  }
  return accelerator == Accelerator::kKvm ? add_device(dev.get(), "kvm") : Result<>();
}

Result<> add_kernel(int root, const Request& request) {
  if (request.memory == Memory::kClone) {
    return {};
  }
  TRY(bind_file(root, request.kernel.path, kKernelFile + 1,
                kInert | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY));
  const base::UniqueFd file =
      TRY(sys::openat(root, kInitramfsFile + 1, O_CREAT | O_EXCL | O_WRONLY, 0444));
  TRY(base::write_all(file.get(), request.initramfs));
  return sys::fchmod(file.get(), 0444);
}

Result<> add_memory(int root, const Request& request) {
  if (!request.memory_file) {
    return {};
  }
  TRY(sys::openat(root, kMemoryFile + 1, O_CREAT | O_EXCL | O_WRONLY, 0644));
  TRY(jail::attach(request.memory_file.get(), root, kMemoryFile + 1));
  return bind_file(root, request.libexec + "/" + kPreloadName, kPreloadFile + 1,
                   kInert | MOUNT_ATTR_RDONLY);
}

Result<> add_share(Building& building, int root) {
  TRY(sys::mkdirat(root, kShareFolder + 1, 0755));
  const base::UniqueFd share = TRY(sys::openat(root, kShareFolder + 1, O_PATH | O_DIRECTORY));
  for (std::size_t i = 0; i < building.volumes.size(); ++i) {
    const jail::VolumeMount& volume = building.volumes[i];
    const std::string name = std::to_string(i);
    if (volume.is_folder) {
      TRY(sys::mkdirat(share.get(), name, 0755));
    } else {
      TRY(sys::openat(share.get(), name, O_CREAT | O_EXCL | O_WRONLY, 0644));
    }
    TRY(jail::attach(volume.mount.get(), share.get(), name));
  }
  // QEMU changes the mode of a file, and reads its attributes, by its number in here.
  TRY(sys::mkdirat(root, "proc", 0555));
  const base::UniqueFd proc =
      TRY(jail::make_file_system("proc", {{"subset", "pid"}}, kInert | MOUNT_ATTR_NOEXEC));
  return jail::attach(proc.get(), root, "proc");
}

// Of what QEMU needs, and nothing more: libraries and firmware, kernel and initramfs, volumes.
Result<> make_root(Building& building) {
  const Request& request = request_of(building);
  building.root =
      TRY(jail::make_file_system("tmpfs", {{"mode", "755"}, {"size", "64m"}}, MOUNT_ATTR_NOSUID));
  const base::UniqueFd target = TRY(jail::open_path(AT_FDCWD, building.plan.staging_path));
  TRY(jail::attach(building.root.get(), target.get()));
  const int root = building.root.get();
  TRY(sys::mkdirat(root, "usr", 0755));
  TRY(bind(root, "/usr", "usr", kInert | MOUNT_ATTR_RDONLY));
  for (const char* name : {"bin", "lib", "lib64", "sbin"}) {
    TRY(add_library_folder(root, name));
  }
  TRY(fill_dev(root, request.accelerator));
  TRY(add_kernel(root, request));
  TRY(add_memory(root, request));
  TRY(add_share(building, root));
  return jail::set_attributes(root, {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY});
}

Result<> limit_resources(Building& /*building*/) {
  return jail::set_resource_limits(std::nullopt);
}

// The owner of the volumes' files, and of nothing else.
Result<> become_qemu(Building& building) {
  const jail::Plan& plan = building.plan;
  return jail::become_nobody_special(request_of(building).user_namespace.get(),
                                     kGuestRange.base + plan.volume_uid,
                                     kGuestRange.base + plan.volume_gid);
}

Result<> arrange_descriptors(Building& building) {
  Request& request = request_of(building);
  jail::Plan& plan = building.plan;
  constexpr int kAbove = 32;
  // It stays open beside those that have numbers, and above them.
  request.supervisor.reset(::fcntl(request.supervisor.release(), F_DUPFD_CLOEXEC, kAbove));
  const jail::Placement placements[] = {
      {.number = STDIN_FILENO},
      {.number = STDOUT_FILENO},
      {.number = STDERR_FILENO},
      {.source = plan.stream, .number = kStreamFd},
      {.source = request.image.release(), .number = kImageFd},
      {.source = building.disk_image.release(), .number = kDiskFd},
      {.source = request.state.release(), .number = kStateFd},
      {.source = plan.status, .number = kStatusFd},
      {.source = plan.orders, .number = kOrdersFd}};
  TRY(jail::place_descriptors(placements));
  plan.status = kStatusFd;
  return {};
}

Result<> restrict_self(Building& /*building*/) {
  TRY(jail::restrict_by_landlock());
  return jail::restrict_call_numbers();  // QEMU adds its own filter
}

Settings settings_of(Building& building) {
  const Request& request = request_of(building);
  const Limits& limits = building.plan.limits;
  return {.machine = {.accelerator = request.accelerator,
                      .memory = request.memory,
                      .memory_mib = memory_mib(limits),
                      .processors = static_cast<std::uint32_t>(std::ceil(limits.cpus))},
          .hostname = building.plan.hostname,
          .limits = limits,
          .volumes = request.volumes,
          .weaknesses = request.weaknesses};
}

Result<> execute_supervisor(Building& building) {
  std::vector<std::string> words = to_words(settings_of(building));
  std::vector<char*> argv = {const_cast<char*>("msb-vm")};  // SAFETY: not written to
  std::ranges::transform(words, std::back_inserter(argv),
                         [](std::string& word) { return word.data(); });
  argv.push_back(nullptr);
  char* env[] = {nullptr};
  ::syscall(SYS_execveat, request_of(building).supervisor.get(), "", argv.data(), env,
            AT_EMPTY_PATH);
  return std::unexpected(sys::error("execveat", "msb-vm"));
}

constexpr jail::Step kSteps[] = {
    {"keep descriptors", jail::keep_descriptors},
    {"reset signals", jail::reset_signals},
    {"enter cgroup", jail::enter_cgroup},
    {"choose accelerator", choose},
    {"open image", open_image},
    {"take volumes", take_volumes},
    {"open template", open_template},
    {"open disk", open_disk},
    {"gather kernel", gather_kernel},
    {"enter namespaces", jail::enter_namespaces},
    {"make root", make_root},
    {"change root", jail::change_root},
    {"limit resources", limit_resources},
    {"become QEMU's user", become_qemu},
    {"arrange descriptors", arrange_descriptors},
    {"restrict system calls", restrict_self},
    {"execute msb-vm", execute_supervisor},
};

}  // namespace

void run(jail::Plan& plan) {
  jail::build(plan, kSteps);
}

Limits limits_around(const Limits& inside) {
  Limits around = inside;
  around.memory_bytes += std::uint64_t{kGuestKernelMib + kQemuMib} << 20;
  around.cpus += kQemuCpus;
  around.max_processes = kQemuThreads;
  return around;
}

Limits limits_while_booting(const Limits& around) {
  Limits booting = around;
  booting.cpus = std::max(booting.cpus, 1.0) + 1.0;
  return booting;
}

}  // namespace msb::isolation::microvm
