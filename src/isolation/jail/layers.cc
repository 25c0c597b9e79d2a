// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/layers.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "base/sys.h"
#include "isolation/jail/mounts.h"

namespace msb::isolation::jail {

Result<std::vector<base::UniqueFd>> clone_layers(int home_fd, const std::vector<std::string>& paths,
                                                 int id_map) {
  std::vector<base::UniqueFd> mounts;
  for (const std::string& path : paths) {
    const base::UniqueFd folder = TRY(base::sys::open_beneath(home_fd, path, O_PATH | O_DIRECTORY));
    base::UniqueFd mount = TRY(clone_mount(folder.get(), ""));
    TRY_WRAP(set_attributes(mount.get(),
                            {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                             .id_map = id_map}),
             "layer " + path);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

}  // namespace msb::isolation::jail
