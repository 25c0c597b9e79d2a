// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox_folder.h"

#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "engine/ofd_lock.h"

namespace msb::engine {
namespace {

constexpr int kMaxAttempts = 100;

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// Puts something at `path`, whose parents are made. True: it was not there.
Result<bool> place(const std::string& path, const std::function<Result<bool>()>& put) {
  for (int attempt = 0;; ++attempt) {
    TRY(base::make_folders(parent_of(path), 0700));
    auto placed = put();
    // ENOENT: the last sandbox of the namespace, and the namespace with it, went just now.
    if (placed || placed.error().sys_errno() != ENOENT || attempt == kMaxAttempts) {
      return placed;
    }
  }
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

Result<SandboxFolder> SandboxFolder::hold(const std::string& home, const Name& name) {
  SandboxFolder folder;
  folder.path_ = path_of(home, name);
  folder.is_new_ = TRY(place(folder.path_, [&] { return make(folder.path_); }));
  std::optional<base::UniqueFd> lock = TRY(try_lock_file(folder.path_ + "/lock"));
  if (!lock) {
    return fail(ErrorCode::kConflict, "sandbox '" + name.sandbox + "' of namespace '" +
                                          name.namespace_name + "' is in use by another program");
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

}  // namespace msb::engine
