// SPDX-License-Identifier: Apache-2.0
#include "engine/spare.h"

#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "engine/gauges.h"
#include "engine/ofd_lock.h"

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

Result<SpareFolder> make_spare_folder(const EngineFolder& engine) {
  SpareFolder made{.folder = TRY(base::TempDir::create(engine.path())), .lock = {}};
  std::optional<base::UniqueFd> lock = TRY(try_lock_file(made.folder.path() + "/lock"));
  if (!lock) {
    return fail(ErrorCode::kConflict, "lock(" + made.folder.path() + ")");
  }
  made.lock = *std::move(lock);
  return made;
}

std::unique_ptr<Spare> to_spare(SpareMakings makings) {
  isolation::StartedSandbox& started = makings.jail.started;
  const std::int64_t disk_base_bytes = used_disk_bytes(started.gauges);
  auto spare = std::make_unique<Spare>(Spare::Parts{.id = std::move(makings.id),
                                                    .folder = makings.folder.folder.release(),
                                                    .folder_lock = std::move(makings.folder.lock),
                                                    .limits = makings.limits,
                                                    .gauges = std::move(started.gauges),
                                                    .orders = std::move(started.orders),
                                                    .weaknesses = std::move(started.weaknesses),
                                                    .disk_base_bytes = disk_base_bytes,
                                                    .warm = std::move(makings.warm),
                                                    .warden = makings.jail.warden(),
                                                    .exit_report = makings.jail.exit_report,
                                                    .link = std::move(makings.link)});
  makings.jail.dismiss();
  return spare;
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
