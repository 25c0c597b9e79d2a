// SPDX-License-Identifier: Apache-2.0
//
// Locks of open file descriptions: held until the descriptor is closed, so the kernel gives them
// up for a program that dies. Unlike flock() they can be asked about without being taken.
#pragma once

#include <optional>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::engine {

// Opens (or creates, 0600) the file and locks it exclusively; nullopt: somebody else has it. The
// file is the one that is at `path` when this returns, not one that was removed meanwhile.
Result<std::optional<base::UniqueFd>> try_lock_file(const std::string& path);

// Does anybody hold the lock now? A file that does not exist is not held.
bool is_locked(const std::string& path);

}  // namespace msb::engine
