// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest/volumes.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/in_child.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/mounts.h"
#include "isolation/jail/volumes.h"
#include "isolation/microvm/shared_folder.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;

// Attached at once: until Linux 6.15 nothing can be copied from what is not.
Result<> mount_share() {
  auto context = TRY(jail::FileSystemContext::create("9p"));
  TRY(context.set({{"source", kShareTag},
                   {"trans", "virtio"},
                   {"version", "9p2000.L"},
                   {"msize", "512000"},
                   // The host may change what is in it, so nothing is kept; but what is mapped is
                   // shared and can be written to.
                   {"cache", "mmap"}}));
  const base::UniqueFd share = TRY(context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  TRY(base::make_folders(kShareFolder, 0700));
  const base::UniqueFd target = TRY(jail::open_path(AT_FDCWD, kShareFolder));
  return jail::attach(share.get(), target.get());
}

Result<std::vector<jail::VolumeMount>> copy_mounts(const std::vector<GuestVolume>& volumes) {
  const base::UniqueFd share = TRY(sys::open(kShareFolder, O_PATH | O_DIRECTORY));
  std::vector<jail::VolumeMount> mounts;
  for (const GuestVolume& volume : volumes) {
    base::UniqueFd mount = TRY(jail::clone_mount(share.get(), std::to_string(mounts.size())));
    TRY(jail::set_attributes(mount.get(),
                             {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                     (volume.read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0)}));
    mounts.push_back({.mount = std::move(mount),
                      .guest_path = volume.guest_path,
                      .is_folder = volume.is_folder,
                      .weakness = {}});
  }
  return mounts;
}

// Of a process that ends afterwards.
Result<> attach_here(pid_t pid, const std::vector<GuestVolume>& volumes) {
  TRY(mount_share());
  const std::vector<jail::VolumeMount> mounts = TRY(copy_mounts(volumes));
  if (::umount2(kShareFolder, MNT_DETACH) < 0) {
    return std::unexpected(sys::error("umount", kShareFolder));
  }
  const base::UniqueFd sandbox =
      TRY(sys::open("/proc/" + std::to_string(pid) + "/ns/mnt", O_RDONLY));
  if (::setns(sandbox.get(), CLONE_NEWNS) < 0) {
    return std::unexpected(sys::error("setns(mnt)"));
  }
  TRY(jail::build_as(kGuestRange));
  const base::UniqueFd root = TRY(sys::open("/", O_PATH | O_DIRECTORY));
  return jail::attach_volumes(root.get(), mounts);
}

}  // namespace

Result<> attach_volumes(pid_t pid, const std::vector<GuestVolume>& volumes) {
  if (volumes.empty()) {
    return {};
  }
  return in_child([&] { return attach_here(pid, volumes); });
}

}  // namespace msb::isolation::microvm
