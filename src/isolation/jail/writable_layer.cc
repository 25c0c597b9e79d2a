// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/writable_layer.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/sys.h"
#include "isolation/jail/id_map.h"
#include "isolation/jail/loop_device.h"
#include "isolation/jail/mounts.h"

namespace msb::isolation::jail {

Result<WritableLayer> mount_disk(const std::string& device, int id_map) {
  FileSystemContext context = TRY(FileSystemContext::create("ext4"));
  TRY(context.set("source", device));
  // Flushes would reach the host's disk, one per fsync of the guest. What they protect from, a
  // crash of the host, costs the layer's last seconds.
  TRY(context.flag("nobarrier"));
  // Else a thread of the kernel writes zeros over inode tables which are holes of the image.
  TRY(context.flag("noinit_itable"));
  TRY(context.set("errors", "remount-ro"));
  WritableLayer layer;
  layer.mount = TRY(context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME));
  TRY_WRAP(set_attributes(layer.mount.get(), {.id_map = id_map}), "writable layer");
  layer.disk_limited = true;
  return layer;
}

Result<WritableLayer> mount_disk_image(int image, const std::string& nodes_path, int id_map) {
  const LoopDevice device = TRY(attach_loop_device(image, nodes_path));
  return mount_disk(device.path, id_map);
}

Result<WritableLayer> clone_writable_folder(int folder, int id_map) {
  if (id_map >= 0) {
    // An id that the map does not know could not even be looked into.
    const std::string path = "/proc/self/fd/" + std::to_string(folder);
    if (::chown(path.c_str(), kStoreBase, kStoreBase) < 0) {
      return std::unexpected(base::sys::error("chown", "writable layer"));
    }
  }
  WritableLayer layer;
  layer.mount = TRY(clone_mount(folder, ""));
  // The host's choice of access times stays: a rootless mount namespace may not change it.
  TRY_WRAP(set_attributes(layer.mount.get(),
                          {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .id_map = id_map}),
           "writable layer");
  return layer;
}

Result<> prepare_overlay_folders(int mount) {
  for (const char* name : {"upper", "work"}) {
    auto made = base::sys::mkdirat(mount, name, 0755);
    if (!made && !made.error().is(ErrorCode::kAlreadyExists)) {
      return made;
    }
  }
  return {};
}

}  // namespace msb::isolation::jail
