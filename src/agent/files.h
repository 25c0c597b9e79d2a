// SPDX-License-Identifier: Apache-2.0
//
// Files the host puts into the sandbox. Paths are the guest's: it can lead them wherever it likes
// with symlinks, inside its own root.
#pragma once

#include <string>

#include "agent/users.h"
#include "base/try.h"
#include "wire/messages.h"

namespace msb::agent {

// mkdir -p; folders that were not there belong to `owner`. `path` is absolute.
Result<> make_folders(const std::string& path, const Identity& owner);

// Creates or replaces a regular file, whole or not at all, with its parent folders.
Result<> write_file(const wire::WriteFile& request);

}  // namespace msb::agent
