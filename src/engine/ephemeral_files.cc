// SPDX-License-Identifier: Apache-2.0
#include "engine/ephemeral_files.h"

#include <cerrno>

#include "base/file.h"
#include "base/sys.h"

namespace msb::engine {

Result<bool> EphemeralFiles::prepare() {
  const auto made = base::sys::mkdir(path_, 0700);
  if (!made && made.error().sys_errno() != EEXIST) {
    return std::unexpected(made.error());
  }
  return made.has_value();
}

Result<bool> EphemeralFiles::adopt(const std::string& folder) {
  return base::sys::rename_to_new(folder, path_);
}

void EphemeralFiles::remove() {
  // What fails here is swept with the engine's folder.
  [[maybe_unused]] const auto removed = base::remove_tree(path_);
}

}  // namespace msb::engine
