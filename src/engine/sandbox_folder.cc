// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox_folder.h"

#include <optional>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "engine/ofd_lock.h"

namespace msb::engine {

std::string SandboxFolder::path_of(const std::string& home, const Name& name) {
  return home + "/sandboxes/" + name.namespace_name + "/" + name.sandbox;
}

Result<SandboxFolder> SandboxFolder::hold(const std::string& home, const Name& name) {
  SandboxFolder folder;
  folder.path_ = path_of(home, name);
  TRY(base::make_folders(home + "/sandboxes/" + name.namespace_name, 0700));
  const auto made = base::sys::mkdir(folder.path_, 0700);
  if (!made && made.error().sys_errno() != EEXIST) {
    return std::unexpected(made.error());
  }
  folder.is_new_ = made.has_value();
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
  return discarded;
}

}  // namespace msb::engine
