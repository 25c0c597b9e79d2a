// SPDX-License-Identifier: Apache-2.0
//
// The files of one sandbox on the host: the writable layer and the log. A persistent sandbox has
// sandboxes/<namespace>/<name>/, whose lock is held while it runs, so that every program sees the
// truth; an ephemeral one has EphemeralFiles.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"
#include "engine/config.h"
#include "engine/engine_folder.h"
#include "engine/ephemeral_files.h"

namespace msb::engine {

class SandboxFolder {
 public:
  // kConflict: another program runs or removes the sandbox of that name.
  static Result<SandboxFolder> hold(const std::string& home, const Name& name);
  static Result<SandboxFolder> hold(std::shared_ptr<EphemeralFiles> files);
  // A folder that was made for nobody in particular becomes that sandbox's; `lock` is the held lock
  // in it, and is taken. nullopt: there is one already, and nothing was done.
  static Result<std::optional<SandboxFolder>> adopt(const std::string& home, const Name& name,
                                                    const std::string& folder,
                                                    base::UniqueFd& lock);
  static Result<std::optional<SandboxFolder>> adopt(std::shared_ptr<EphemeralFiles> files,
                                                    const std::string& folder);
  // One that is there; nothing: somebody has it.
  static Result<std::optional<SandboxFolder>> hold_existing(const std::string& home,
                                                            const Name& name);
  // Is the sandbox of that name held by any program?
  static bool is_held(const std::string& home, const Name& name);
  static std::string path_of(const std::string& home, const Name& name);
  // Has an earlier start left files? `files`: of an ephemeral one, null of a persistent one.
  static bool exists(const std::string& home, const Name& name, const EphemeralFiles* files);

  // hold() and adopt() mark a new folder: its sandbox is not defined, so it goes with the next
  // sweep if its program ends. Once the definition is stored it is the sandbox's; before it is
  // removed, the folder is marked again.
  static void mark_defined(const std::string& home, const Name& name);
  static bool is_marked_undefined(const std::string& home, const Name& name);
  Result<> mark_undefined() const;

  SandboxFolder() = default;
  const std::string& path() const { return path_; }
  // There was none before hold().
  bool is_new() const { return is_new_; }
  bool is_ephemeral() const { return ephemeral_ != nullptr; }

  // Lets others have it; the files stay, those of an ephemeral one as long as they are owned.
  void release();
  // Deletes the files, then lets go.
  Result<> discard(const EngineFolder& engine);

 private:
  std::string path_;
  base::UniqueFd lock_;
  std::shared_ptr<EphemeralFiles> ephemeral_;
  bool is_new_ = false;
};

// Removes the folders of sandboxes that nobody runs and that are marked as not defined: a program
// was killed in the middle of a first start, or of a removal. Other folders are never removed, also
// when `is_defined` knows nothing of them.
void sweep_undefined_sandboxes(const std::string& home, const EngineFolder& engine,
                               const std::function<Result<bool>(const Name&)>& is_defined);

}  // namespace msb::engine
