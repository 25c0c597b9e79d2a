// SPDX-License-Identifier: Apache-2.0
#include "engine/spare.h"

#include <utility>

#include "base/file.h"
#include "base/sys.h"

namespace msb::engine {

Result<std::vector<SpareKind::Folder>> layer_folders(const image::Image& image) {
  std::vector<SpareKind::Folder> folders;
  folders.reserve(image.layer_paths.size());
  for (const std::string& path : image.layer_paths) {
    const struct stat status = TRY(base::sys::stat(path));
    folders.push_back({.device = status.st_dev, .inode = status.st_ino});
  }
  return folders;
}

Spare::~Spare() {
  if (!parts_.link) {
    return;
  }
  parts_.link->close(Error(ErrorCode::kSandboxGone, "the spare sandbox is not needed"));
  parts_.gauges = {};  // they would keep its file system mounted
  if (parts_.warden) {
    // What fails here ends with the warden, or is swept with the engine's folder.
    [[maybe_unused]] const auto destroyed = parts_.warden->destroy(parts_.id);
    [[maybe_unused]] const auto removed = base::remove_tree(parts_.folder);
  }
}

bool Spare::is_alive() const {
  return !parts_.link->lost() && !parts_.exit_report->arrived();
}

Spare::Parts Spare::take() {
  return std::exchange(parts_, Parts{});
}

void Spare::abandon() {
  parts_.warden.reset();
}

}  // namespace msb::engine
