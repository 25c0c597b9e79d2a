// SPDX-License-Identifier: Apache-2.0
#include "isolation/cgroup/backend.h"

#include <poll.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

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
  return std::make_unique<V1Backend>(places, engine_id);
}

namespace {

// The groups of sandboxes. What is another user's, or holds a process after all, refuses to go, and
// stays.
void remove_groups_in(const std::string& engine_folder) {
  std::error_code error;
  for (const fs::directory_entry& sandbox : fs::directory_iterator(engine_folder, error)) {
    if (sandbox.is_directory(error)) {
      [[maybe_unused]] const auto removed = remove_group(sandbox.path().string());
    }
  }
}

bool is_at(const base::UniqueFd& group, const std::string& folder) {
  const auto held = base::sys::fstat(group.get());
  const auto there = base::sys::stat(folder);
  return held && there && held->st_ino == there->st_ino && held->st_dev == there->st_dev;
}

std::set<std::string> engine_groups_in(const std::string& folder) {
  std::set<std::string> groups;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kEnginePrefix) && entry.is_directory(error)) {
      groups.insert(entry.path().string());
    }
  }
  return groups;
}

// Where wardens of this host are likely to have made their groups.
std::set<std::string> folders_around(const Place& place) {
  std::set<std::string> folders = {place.mount_point};
  for (std::string above = place.folder; above.size() > place.mount_point.size();
       above.erase(above.rfind('/'))) {
    folders.insert(above);
  }
  if (place.folder == place.mount_point) {
    return folders;
  }
  std::error_code error;
  const fs::path parent = fs::path(place.folder).parent_path();
  for (const fs::directory_entry& sibling : fs::directory_iterator(parent, error)) {
    if (sibling.is_directory(error) &&
        !sibling.path().filename().string().starts_with(kEnginePrefix)) {
      folders.insert(sibling.path().string());
    }
  }
  return folders;
}

}  // namespace

constexpr std::chrono::seconds kClaimPatience{5};
constexpr std::chrono::milliseconds kClaimPause{1};

Result<base::UniqueFd> claim_engine_group(const std::string& folder) {
  constexpr int kMaxAttempts = 100;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    TRY(make_group(folder));
    auto opened = base::sys::open(folder, O_RDONLY | O_DIRECTORY);
    if (!opened && opened.error().is(ErrorCode::kNotFound)) {
      continue;  // swept in this moment
    }
    base::UniqueFd group = TRY(std::move(opened));
    // Whoever has it now is sweeping, which takes moments; but anybody who may read the folder can
    // keep it.
    const auto deadline = std::chrono::steady_clock::now() + kClaimPatience;
    while (::flock(group.get(), LOCK_EX | LOCK_NB) < 0) {
      if (errno != EINTR && errno != EWOULDBLOCK) {
        return std::unexpected(base::sys::error("flock", folder));
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(ErrorCode::kConflict, "cgroup " + folder + ": another process holds its lock");
      }
      std::this_thread::sleep_for(kClaimPause);
    }
    if (is_at(group, folder)) {
      remove_groups_in(folder);
      return group;
    }
  }
  return fail(ErrorCode::kConflict, "cgroup " + folder + " is removed all the time");
}

void sweep_folder(const std::string& folder) {
  for (const std::string& engine : engine_groups_in(folder)) {
    const auto group = base::sys::open(engine, O_RDONLY | O_DIRECTORY);
    if (!group || ::flock(group->get(), LOCK_EX | LOCK_NB) < 0) {
      continue;
    }
    if (!is_at(*group, engine)) {
      continue;  // of a living engine: made anew since
    }
    remove_groups_in(engine);
    [[maybe_unused]] const auto removed = remove_group(engine);
  }
}

void sweep_around(const Place& place) {
  for (const std::string& folder : folders_around(place)) {
    sweep_folder(folder);
  }
}

std::set<std::string> engine_groups_around(const Place& place) {
  std::set<std::string> groups;
  for (const std::string& folder : folders_around(place)) {
    groups.merge(engine_groups_in(folder));
  }
  return groups;
}

bool is_claimed(const std::string& engine_folder) {
  const auto group = base::sys::open(engine_folder, O_RDONLY | O_DIRECTORY);
  return group && ::flock(group->get(), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

void remove_patiently(Backend& backend, const std::string& id) {
  for (int attempt = 0; attempt < kRemoveAttempts; ++attempt) {
    const auto removed = backend.remove(id);
    if (!removed || *removed) {
      return;
    }
    ::poll(nullptr, 0, 1 << attempt);
  }
}

}  // namespace msb::isolation::cgroup
