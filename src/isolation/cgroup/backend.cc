// SPDX-License-Identifier: Apache-2.0
#include "isolation/cgroup/backend.h"

#include <sys/file.h>

#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/cgroup/control_file.h"
#include "isolation/cgroup/v1.h"
#include "isolation/cgroup/v2.h"

namespace msb::isolation::cgroup {

namespace fs = std::filesystem;

Result<std::unique_ptr<Backend>> open_backend(const std::string& engine_id, pid_t engine_pid) {
  constexpr std::size_t kMaxProcFileBytes = 8 << 20;
  const std::string self_cgroup = TRY(base::read_file("/proc/self/cgroup", kMaxProcFileBytes));
  const std::string mountinfo = TRY(base::read_file("/proc/self/mountinfo", kMaxProcFileBytes));
  const Places places = find_places(self_cgroup, mountinfo);
  // Version 2 counts where it carries a controller we need. In the hybrid layout it carries none.
  if (places.v2 && !places.v1.contains("memory")) {
    return std::make_unique<V2Backend>(*places.v2, engine_id, engine_pid);
  }
  return std::make_unique<V1Backend>(places.v1, engine_id);
}

Result<base::UniqueFd> claim_engine_group(const std::string& folder) {
  TRY(make_group(folder));
  base::UniqueFd group = TRY(base::sys::open(folder, O_RDONLY | O_DIRECTORY));
  if (::flock(group.get(), LOCK_EX | LOCK_NB) < 0) {
    return std::unexpected(base::sys::error("flock", folder));
  }
  return group;
}

void sweep_folder(const std::string& folder) {
  std::error_code error;
  for (const fs::directory_entry& engine : fs::directory_iterator(folder, error)) {
    const std::string name = engine.path().filename().string();
    if (!name.starts_with(kEnginePrefix) || !engine.is_directory(error)) {
      continue;
    }
    const auto group = base::sys::open(engine.path().string(), O_RDONLY | O_DIRECTORY);
    if (!group || ::flock(group->get(), LOCK_EX | LOCK_NB) < 0) {
      continue;
    }
    // What is another user's, or holds a process after all, refuses to go, and stays.
    for (const fs::directory_entry& sandbox : fs::directory_iterator(engine.path(), error)) {
      if (sandbox.is_directory(error)) {
        [[maybe_unused]] const auto removed = remove_group(sandbox.path().string());
      }
    }
    [[maybe_unused]] const auto removed = remove_group(engine.path().string());
  }
}

void sweep_around(const Place& place) {
  for (std::string above = place.folder; above.size() > place.mount_point.size();
       above.erase(above.rfind('/'))) {
    sweep_folder(above);
  }
  sweep_folder(place.mount_point);
  if (place.folder == place.mount_point) {
    return;
  }
  std::error_code error;
  const fs::path parent = fs::path(place.folder).parent_path();
  for (const fs::directory_entry& sibling : fs::directory_iterator(parent, error)) {
    if (sibling.is_directory(error) &&
        !sibling.path().filename().string().starts_with(kEnginePrefix)) {
      sweep_folder(sibling.path().string());
    }
  }
}

}  // namespace msb::isolation::cgroup
