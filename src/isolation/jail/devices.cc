// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/devices.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>

#include "base/sys.h"
#include "isolation/jail/in_root.h"
#include "isolation/jail/mounts.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr std::uint32_t kTerminalGroup = 5;  // "tty" in every distribution

struct Device {
  const char* name;
  unsigned major_number;
  unsigned minor_number;
};
constexpr Device kDevices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                               {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

struct Link {
  const char* name;
  const char* target;
};
constexpr Link kLinks[] = {{"ptmx", "pts/ptmx"},
                           {"fd", "/proc/self/fd"},
                           {"stdin", "/proc/self/fd/0"},
                           {"stdout", "/proc/self/fd/1"},
                           {"stderr", "/proc/self/fd/2"}};

Result<> make_node(int dev_fd, const Device& device) {
  if (::mknodat(dev_fd, device.name, S_IFCHR | 0666,
                makedev(device.major_number, device.minor_number)) < 0) {
    return std::unexpected(sys::error("mknod", device.name));
  }
  return {};
}

Result<> bind_node(int dev_fd, const Device& device) {
  TRY(sys::openat(dev_fd, device.name, O_CREAT | O_EXCL | O_WRONLY, 0666));
  const base::UniqueFd node = TRY(clone_mount(AT_FDCWD, std::string("/dev/") + device.name));
  return attach(node.get(), dev_fd, device.name);
}

std::string shared_memory_size(std::uint64_t memory_bytes) {
  return std::to_string(memory_bytes / 2);
}

Result<> attach_new(int mount_fd, int dev_fd, const std::string& name) {
  TRY(sys::mkdirat(dev_fd, name, 0755));
  return attach(mount_fd, dev_fd, name);
}

}  // namespace

Result<base::UniqueFd> mount_devices(int root_fd, const IdRange& range, std::uint64_t memory_bytes,
                                     DeviceNodes nodes) {
  const base::UniqueFd target = TRY(make_top_folder(root_fd, "dev", 0755));
  const base::UniqueFd dev =
      TRY(make_file_system("tmpfs", {{"mode", "755"}, {"size", "64k"}, {"nr_inodes", "256"}},
                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  TRY(attach(dev.get(), target.get()));
  for (const Device& device : kDevices) {
    TRY(nodes == DeviceNodes::kMake ? make_node(dev.get(), device) : bind_node(dev.get(), device));
  }
  for (const Link& link : kLinks) {
    if (::symlinkat(link.target, dev.get(), link.name) < 0) {
      return std::unexpected(sys::error("symlink", link.name));
    }
  }
  const bool has_terminal_group = kTerminalGroup < range.count;
  const base::UniqueFd terminals = TRY(make_file_system(
      "devpts",
      {{"ptmxmode", "0666"},
       {"mode", "0620"},
       {"gid", std::to_string(range.base + (has_terminal_group ? kTerminalGroup : 0))},
       {"max", "128"}},
      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  TRY(attach_new(terminals.get(), dev.get(), "pts"));
  base::UniqueFd shared_memory =
      TRY(make_file_system("tmpfs", {{"mode", "1777"}, {"size", shared_memory_size(memory_bytes)}},
                           MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  TRY(attach_new(shared_memory.get(), dev.get(), "shm"));
  return shared_memory;
}

Result<> resize_shared_memory(int mount_fd, std::uint64_t memory_bytes) {
  FileSystemContext context = TRY(FileSystemContext::pick(mount_fd));
  TRY(context.set("size", shared_memory_size(memory_bytes)));
  return context.reconfigure();
}

}  // namespace msb::isolation::jail
