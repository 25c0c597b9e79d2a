// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_folder.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "base/sys.h"
#include "engine/ofd_lock.h"

namespace msb::engine {
namespace {

// A folder gets its final name when its lock is held. One that still has its first name after this
// long was left by a crash in between.
constexpr const char* kDraftPrefix = ".new-";
constexpr const char* kGravePrefix = "gone-";
constexpr std::chrono::minutes kDraftLife{10};

bool is_old_draft(const std::filesystem::directory_entry& entry) {
  std::error_code error;
  const auto time = entry.last_write_time(error);
  return !error && std::filesystem::file_time_type::clock::now() - time > kDraftLife;
}

}  // namespace

Result<EngineFolder> EngineFolder::create(const std::string& home) {
  const std::string run = home + "/run";
  TRY(base::make_folders(run, 0700));
  const std::string id = TRY(base::random_id());
  const std::string draft = run + "/" + kDraftPrefix + id;
  const std::string path = run + "/" + id;
  TRY(base::sys::mkdir(draft, 0700));
  std::optional<base::UniqueFd> lock = TRY(try_lock_file(draft + "/lock"));
  if (!lock) {
    return fail(ErrorCode::kConflict, "lock(" + draft + ")");
  }
  TRY(base::sys::rename(draft, path));
  return EngineFolder(id, path, *std::move(lock));
}

EngineFolder::~EngineFolder() {
  if (lock_) {
    // What fails here is swept by the next engine.
    [[maybe_unused]] const auto removed = base::remove_tree(path_);
  }
}

Result<> EngineFolder::discard(const std::string& folder) const {
  // What could not be removed earlier, for want of descriptors say.
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    if (entry.path().filename().string().starts_with(kGravePrefix)) {
      [[maybe_unused]] const auto removed = base::remove_tree(entry.path().string());
    }
  }
  const std::string grave = path_ + "/" + kGravePrefix + TRY(base::random_id());
  if (const auto moved = base::sys::rename(folder, grave); !moved) {
    if (moved.error().sys_errno() == ENOENT) {
      return {};
    }
    return moved;
  }
  return base::remove_tree(grave);
}

void sweep_dead_engines(const std::string& home) {
  std::error_code error;
  std::vector<std::string> dead;
  for (const auto& entry : std::filesystem::directory_iterator(home + "/run", error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kDraftPrefix) ? is_old_draft(entry) : !is_locked(entry.path() / "lock")) {
      dead.push_back(entry.path());
    }
  }
  for (const std::string& path : dead) {
    // Several engines may sweep at once: only the one that gets the lock removes.
    const auto lock = try_lock_file(path + "/lock");
    if (lock && *lock) {
      [[maybe_unused]] const auto removed = base::remove_tree(path);
    }
  }
}

}  // namespace msb::engine
