// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "engine/ofd_lock.h"

namespace msb::engine {
namespace {

constexpr int kMaxPlacings = 100;
constexpr std::chrono::milliseconds kSweepPause{1};
// In a folder whose sandbox is not defined yet, or not any more. Without it files are somebody's,
// whatever msb.db says: that can be lost, or be an older one.
constexpr const char* kUndefinedMark = "/undefined";

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// Puts something at `path`, whose parents are made. True: it was not there.
Result<bool> place(const std::string& path, const std::function<Result<bool>()>& put) {
  for (int attempt = 0;; ++attempt) {
    TRY(base::make_folders(parent_of(path), 0700));
    auto placed = put();
    // ENOENT: the last sandbox of the namespace, and the namespace with it, went just now.
    if (placed || placed.error().sys_errno() != ENOENT || attempt == kMaxPlacings) {
      return placed;
    }
  }
}

Result<> mark(const std::string& folder) {
  TRY(base::sys::open(folder + kUndefinedMark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  return {};
}

Result<bool> make(const std::string& path) {
  const auto made = base::sys::mkdir(path, 0700);
  if (made || made.error().sys_errno() == EEXIST) {
    return made.has_value();
  }
  return std::unexpected(made.error());
}

}  // namespace

std::string SandboxFolder::path_of(const std::string& home, const Name& name) {
  return home + "/sandboxes/" + name.namespace_name + "/" + name.sandbox;
}

bool SandboxFolder::exists(const std::string& home, const Name& name, const EphemeralFiles* files) {
  return base::sys::stat(files != nullptr ? files->path() : path_of(home, name)).has_value();
}

Result<SandboxFolder> SandboxFolder::hold(const std::string& home, const Name& name) {
  SandboxFolder folder;
  folder.path_ = path_of(home, name);
  for (int attempt = 0;; ++attempt) {
    const bool made = TRY(place(folder.path_, [&] { return make(folder.path_); }));
    folder.is_new_ = folder.is_new_ || made;
    auto lock = try_lock_file(folder.path_ + "/lock");
    std::optional<base::UniqueFd> held = lock ? std::move(*lock) : std::nullopt;
    if (held) {
      folder.lock_ = *std::move(held);
      if (folder.is_new_) {
        TRY(mark(folder.path_));
      }
      return folder;
    }
    if (attempt == kMaxPlacings || (!lock && !lock.error().is(ErrorCode::kNotFound))) {
      return lock ? fail(ErrorCode::kConflict, "sandbox '" + name.sandbox + "' of namespace '" +
                                                   name.namespace_name +
                                                   "' is in use by another program")
                  : std::unexpected(std::move(lock).error());
    }
    // A sweep may be at it: it takes a marked folder for what a crash has left, and has the lock
    // for a moment.
    std::this_thread::sleep_for(kSweepPause);
  }
}

Result<std::optional<SandboxFolder>> SandboxFolder::hold_existing(const std::string& home,
                                                                  const Name& name) {
  SandboxFolder folder;
  folder.path_ = path_of(home, name);
  std::optional<base::UniqueFd> lock = TRY(try_lock_file(folder.path_ + "/lock"));
  if (!lock) {
    return std::nullopt;
  }
  folder.lock_ = *std::move(lock);
  return folder;
}

Result<SandboxFolder> SandboxFolder::hold(std::shared_ptr<EphemeralFiles> files) {
  SandboxFolder folder;
  folder.is_new_ = TRY(files->prepare());
  folder.path_ = files->path();
  folder.ephemeral_ = std::move(files);
  return folder;
}

Result<std::optional<SandboxFolder>> SandboxFolder::adopt(const std::string& home, const Name& name,
                                                          const std::string& folder,
                                                          base::UniqueFd& lock) {
  SandboxFolder adopted;
  adopted.path_ = path_of(home, name);
  TRY(mark(folder));
  const auto move = [&] { return base::sys::rename_to_new(folder, adopted.path_); };
  if (!TRY(place(adopted.path_, move))) {
    return std::nullopt;
  }
  adopted.is_new_ = true;
  adopted.lock_ = std::move(lock);
  return adopted;
}

Result<std::optional<SandboxFolder>> SandboxFolder::adopt(std::shared_ptr<EphemeralFiles> files,
                                                          const std::string& folder) {
  if (!TRY(files->adopt(folder))) {
    return std::nullopt;
  }
  SandboxFolder adopted;
  adopted.is_new_ = true;
  adopted.path_ = files->path();
  adopted.ephemeral_ = std::move(files);
  return adopted;
}

bool SandboxFolder::is_held(const std::string& home, const Name& name) {
  return is_locked(path_of(home, name) + "/lock");
}

Result<> SandboxFolder::mark_undefined() const {
  return mark(path_);
}

void SandboxFolder::mark_defined(const std::string& home, const Name& name) {
  (void)::unlink((path_of(home, name) + kUndefinedMark).c_str());
}

bool SandboxFolder::is_marked_undefined(const std::string& home, const Name& name) {
  return ::access((path_of(home, name) + kUndefinedMark).c_str(), F_OK) == 0;
}

void SandboxFolder::release() {
  lock_.reset();
  ephemeral_.reset();
}

Result<> SandboxFolder::discard(const EngineFolder& engine) {
  if (path_.empty()) {
    return {};
  }
  if (ephemeral_) {
    ephemeral_->remove();
    release();
    return {};
  }
  const Result<> discarded = engine.discard(path_);
  release();
  (void)::rmdir(parent_of(path_).c_str());  // works for the last sandbox of the namespace
  return discarded;
}

void sweep_undefined_sandboxes(const std::string& home, const EngineFolder& engine,
                               const std::function<Result<bool>(const Name&)>& is_defined) {
  std::error_code error;
  std::vector<Name> left;
  for (const auto& space : std::filesystem::directory_iterator(home + "/sandboxes", error)) {
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(space.path(), gone)) {
      const Name name{.namespace_name = space.path().filename(),
                      .sandbox = entry.path().filename()};
      if (SandboxFolder::is_marked_undefined(home, name) && !SandboxFolder::is_held(home, name)) {
        left.push_back(name);
      }
    }
  }
  for (const Name& name : left) {
    auto folder = SandboxFolder::hold_existing(home, name).value_or(std::nullopt);
    if (!folder) {
      continue;
    }
    // Now nobody can be about to define it. One that is defined was so in the moment of a crash.
    const auto defined = is_defined(name);
    if (defined && *defined) {
      SandboxFolder::mark_defined(home, name);
    } else if (defined && SandboxFolder::is_marked_undefined(home, name)) {
      [[maybe_unused]] const auto discarded = folder->discard(engine);
    }
  }
}

}  // namespace msb::engine
