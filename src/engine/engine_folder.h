// SPDX-License-Identifier: Apache-2.0
//
// $MSB_HOME/run/<engine id>/: what lives only as long as one engine. Its lock file is held by the
// engine, so whoever can take the lock knows that the engine is dead and removes the rest.
#pragma once

#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::engine {

class EngineFolder {
 public:
  static Result<EngineFolder> create(const std::string& home);
  EngineFolder(EngineFolder&&) noexcept = default;
  EngineFolder& operator=(EngineFolder&&) = delete;
  // Removes it.
  ~EngineFolder();

  const std::string& id() const { return id_; }
  const std::string& path() const { return path_; }
  // Takes a folder of ours out of sight at once (rename), then removes it.
  Result<> discard(const std::string& folder) const;

 private:
  EngineFolder(std::string id, std::string path, base::UniqueFd lock)
      : id_(std::move(id)), path_(std::move(path)), lock_(std::move(lock)) {}

  std::string id_;
  std::string path_;
  base::UniqueFd lock_;
};

// Removes what engines that are dead have left in run/. What cannot be removed is left for the
// next time.
void sweep_dead_engines(const std::string& home);

}  // namespace msb::engine
