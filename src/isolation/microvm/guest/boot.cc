// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest/boot.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/microvm/guest_messages.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;
namespace fs = std::filesystem;

constexpr const char* kNewRoot = "/new";

Result<> load_modules() {
  std::vector<std::string> paths;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(kModulesFolder, error)) {
    paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    const base::UniqueFd module = TRY(sys::open(path, O_RDONLY));
    // ENODEV: of a processor that this one is not.
    if (::syscall(SYS_finit_module, module.get(), "", 0) < 0 && errno != EEXIST &&
        errno != ENODEV) {
      return std::unexpected(sys::error("finit_module", path));
    }
    TRY(sys::unlink(path));  // its memory is the sandbox's
  }
  return {};
}

Result<> mount_at(const char* type, const char* path, unsigned long flags, const char* options) {
  TRY(base::make_folders(path));
  if (::mount(type, path, type, flags, options) < 0) {
    return std::unexpected(sys::error("mount", path));
  }
  return {};
}

// pivot_root, which a sandbox's first process needs, works from any root but the kernel's own.
Result<> change_root() {
  TRY(mount_at("tmpfs", kNewRoot, MS_NOSUID, "mode=755,size=1m"));
  if (::chdir(kNewRoot) < 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0 ||
      ::chroot(".") < 0 || ::chdir("/") < 0) {
    return std::unexpected(sys::error("change root"));
  }
  return {};
}

Result<> mount_all() {
  constexpr unsigned long kInert = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  TRY(mount_at("devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=755"));
  TRY(mount_at("proc", "/proc", kInert, nullptr));
  TRY(mount_at("sysfs", "/sys", kInert, nullptr));
  TRY(mount_at("cgroup2", "/sys/fs/cgroup", kInert, nullptr));
  TRY(sys::mkdir(kStagingFolder, 0700));
  return base::write_file_atomic(kBootIdFile, "", 0444);
}

struct KernelSetting {
  const char* file;
  const char* value;
};

constexpr KernelSetting kKernelSettings[] = {
    // As on a host with much more memory than the sandbox may use: what takes too much is killed,
    // and not refused an allocation before it has used it.
    {"/proc/sys/vm/overcommit_memory", "1"},
    // An idle machine sleeps: nobody looks twice a second for memory to put in order, nor every
    // second for counters to add up.
    {"/proc/sys/vm/compaction_proactiveness", "0"},
    {"/proc/sys/vm/stat_interval", "60"},
};

Result<> set_up_kernel() {
  for (const KernelSetting& setting : kKernelSettings) {
    const auto file = sys::open(setting.file, O_WRONLY);
    if (!file && file.error().is(ErrorCode::kNotFound)) {
      continue;  // this kernel does without
    }
    TRY_WRAP(file ? base::write_all(file->get(), setting.value) : std::unexpected(file.error()),
             setting.file);
  }
  return {};
}

// The device of the port that calls itself `name`; nullopt: not there yet.
std::optional<std::string> find_port(const std::string& name) {
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator("/sys/class/virtio-ports", error)) {
    constexpr std::size_t kMaxNameFileBytes = 256;
    const auto text = base::read_file(entry.path().string() + "/name", kMaxNameFileBytes);
    if (text && *text == name + "\n") {
      return "/dev/" + entry.path().filename().string();
    }
  }
  return std::nullopt;
}

// Until then, reading from it finds the end of file.
bool is_connected(const base::UniqueFd& port) {
  pollfd watched{.fd = port.get(), .events = 0, .revents = 0};
  return ::poll(&watched, 1, 0) == 0;
}

// The host announces its ports one by one, after the driver is there, and then who is at the other
// end.
Result<base::UniqueFd> open_port(const std::string& name) {
  constexpr int kAttempts = 2000;
  constexpr int kPauseMs = 5;
  base::UniqueFd port;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto path = port ? std::nullopt : find_port(name);
    if (path) {
      auto opened = sys::open(*path, O_RDWR);
      if (!opened && !opened.error().is(ErrorCode::kNotFound)) {
        return opened;
      }
      port = std::move(opened).value_or(base::UniqueFd());
    }
    if (port && is_connected(port)) {
      return port;
    }
    ::poll(nullptr, 0, kPauseMs);
  }
  return fail(ErrorCode::kNotFound, "no virtio-serial port " + name);
}

}  // namespace

Result<Booted> boot() {
  Booted booted;
  booted.agent = TRY(sys::open(kAgentFile, O_RDONLY));
  TRY(load_modules());
  TRY(change_root());
  TRY(mount_all());
  TRY(set_up_kernel());
  booted.control = TRY(open_port(kControlPort));
  booted.stream = TRY(open_port(kAgentPort));
  return booted;
}

}  // namespace msb::isolation::microvm
