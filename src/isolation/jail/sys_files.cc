// SPDX-License-Identifier: Apache-2.0
//
// A whole sysfs, read-only, is what most runtimes give: thousands of files of the host's drivers, a
// wide surface that no guest program needs. This one is a small tmpfs with some of its folders.
#include "isolation/jail/sys_files.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <string>

#include "base/sys.h"
#include "isolation/jail/in_root.h"
#include "isolation/jail/mounts.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr std::uint64_t kSysAttributes =
    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY;

// class/net holds links into devices/virtual/net.
constexpr const char* kFolders[] = {"devices/system/cpu", "devices/system/node",
                                    "devices/virtual/net", "class/net",
                                    "kernel/mm/transparent_hugepage"};

// What language runtimes read to size themselves by the sandbox's limits. The cgroup namespace
// makes the sandbox's own group the root of each.
struct CgroupMount {
  const char* type;
  const char* controller;  // an option of version 1; nullptr: version 2
  const char* folder;
};
constexpr CgroupMount kCgroupV2 = {"cgroup2", nullptr, "fs/cgroup"};
constexpr CgroupMount kCgroupV1[] = {{"cgroup", "memory", "fs/cgroup/memory"},
                                     {"cgroup", "cpu", "fs/cgroup/cpu"}};

// Reading its limits is a convenience: what cannot be mounted is not there.
void mount_cgroup(int sys_fd, const CgroupMount& wanted) {
  auto context = FileSystemContext::create(wanted.type);
  if (!context || (wanted.controller != nullptr && !context->flag(wanted.controller))) {
    return;
  }
  const auto mount = context->mount(kSysAttributes);
  const auto target = make_folder_in_root(sys_fd, wanted.folder, 0755);
  if (mount && target) {
    [[maybe_unused]] const auto attached = attach(mount->get(), target->get());
  }
}

Result<> fill(int sys_fd, int staging_fd, CgroupVersion cgroup) {
  auto whole = make_file_system("sysfs", {}, kSysAttributes);
  if (!whole) {
    // Rootless in a container that hides parts of its own /sys.
    return {};
  }
  // Copies of its parts can be taken only once it is attached.
  TRY(sys::mkdirat(staging_fd, "sys", 0700));
  TRY(attach(whole->get(), staging_fd, "sys"));
  for (const char* name : kFolders) {
    const auto part = clone_mount(whole->get(), name);
    if (!part) {
      continue;  // not on this kernel
    }
    TRY(set_attributes(part->get(), {.set = kSysAttributes}));
    const base::UniqueFd target = TRY(make_folder_in_root(sys_fd, name, 0755));
    TRY(attach(part->get(), target.get()));
  }
  if (cgroup == CgroupVersion::kTwo) {
    mount_cgroup(sys_fd, kCgroupV2);
  } else {
    for (const CgroupMount& mount : kCgroupV1) {
      mount_cgroup(sys_fd, mount);
    }
  }
  return {};
}

}  // namespace

Result<> mount_sys(int root_fd, int staging_fd, CgroupVersion cgroup) {
  const base::UniqueFd target = TRY(make_top_folder(root_fd, "sys", 0555));
  const base::UniqueFd tree =
      TRY(make_file_system("tmpfs", {{"mode", "555"}, {"size", "64k"}, {"nr_inodes", "64"}},
                           kSysAttributes & ~std::uint64_t{MOUNT_ATTR_RDONLY}));
  // Before it is filled: until Linux 6.15 nothing can be attached to what is not attached itself.
  TRY(attach(tree.get(), target.get()));
  TRY(fill(tree.get(), staging_fd, cgroup));
  return set_attributes(tree.get(), {.set = kSysAttributes});
}

}  // namespace msb::isolation::jail
