// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/volumes.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/sys.h"
#include "isolation/jail/in_root.h"
#include "isolation/jail/mounts.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

// A rootless warden lives in a mount namespace of its own, and the kernel copies mounts only from
// there: the same file, found again by its path.
Result<base::UniqueFd> reopen_here(int source, const struct stat& status) {
  const std::string link = "/proc/self/fd/" + std::to_string(source);
  const std::string path = TRY(sys::readlink(link));
  base::UniqueFd found = TRY(sys::open(path, O_PATH));
  const struct stat present = TRY(sys::fstat(found.get()));
  if (present.st_dev != status.st_dev || present.st_ino != status.st_ino) {
    return fail(ErrorCode::kConflict, "the source was moved while the sandbox started");
  }
  return found;
}

Result<VolumeMount> clone_volume(const Volume& volume, const IdRange& range, VolumeOwner owner,
                                 VolumeIds ids) {
  const struct stat status = TRY(sys::fstat(volume.source.get()));
  base::UniqueFd source;
  if (ids == VolumeIds::kAsOnHost) {
    source = TRY(reopen_here(volume.source.get(), status));
  }
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kInvalidArgument, "the source is neither a folder nor a regular file");
  }
  VolumeMount result;
  result.guest_path = volume.guest_path;
  result.is_folder = S_ISDIR(status.st_mode);
  result.read_only = volume.read_only;
  result.mount = TRY(clone_mount(source ? source.get() : volume.source.get(), ""));
  MountAttributes attributes;
  attributes.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                   (volume.read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0);
  if (ids == VolumeIds::kMapped) {
    const base::UniqueFd map = TRY(make_user_namespace(volume_map(range, status.st_uid, owner.uid),
                                                       volume_map(range, status.st_gid, owner.gid),
                                                       NamespaceUse::kMounts));
    attributes.id_map = map.get();
    if (set_attributes(result.mount.get(), attributes)) {
      return result;
    }
    attributes.id_map = -1;
  }
  TRY(set_attributes(result.mount.get(), attributes));
  if (ids == VolumeIds::kMapped) {
    result.weakness = "volume " + volume.guest_path +
                      ": its file system cannot map ids, so its files appear as nobody's";
  }
  return result;
}

}  // namespace

Result<std::vector<VolumeMount>> clone_volumes(const std::vector<Volume>& volumes,
                                               const IdRange& range, VolumeOwner owner,
                                               VolumeIds ids) {
  std::vector<VolumeMount> mounts;
  mounts.reserve(volumes.size());
  for (const Volume& volume : volumes) {
    mounts.push_back(
        TRY_WRAP(clone_volume(volume, range, owner, ids), "volume " + volume.guest_path));
  }
  std::ranges::sort(mounts, {}, &VolumeMount::guest_path);
  return mounts;
}

Result<> attach_volumes(int root_fd, const std::vector<VolumeMount>& volumes) {
  for (const VolumeMount& volume : volumes) {
    const auto attach_one = [&]() -> Result<> {
      const base::UniqueFd target =
          TRY(volume.is_folder ? make_folder_in_root(root_fd, volume.guest_path, 0755)
                               : make_file_in_root(root_fd, volume.guest_path));
      return attach(volume.mount.get(), target.get());
    };
    TRY_WRAP(attach_one(), "volume " + volume.guest_path);
  }
  return {};
}

}  // namespace msb::isolation::jail
