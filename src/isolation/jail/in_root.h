// SPDX-License-Identifier: Apache-2.0
//
// Names inside a sandbox's root, which come from an image: every step is resolved as if the root
// were `/`, so no link leads out of it.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

// What `path` (with or without a leading '/') is, links followed inside the root.
Result<base::UniqueFd> open_in_root(int root_fd, const std::string& path);

// The same for a folder; it and its missing parents are made, with `mode` for the last one.
Result<base::UniqueFd> make_folder_in_root(int root_fd, const std::string& path, mode_t mode);

// For a file that something will be mounted on; made empty, with its parents, if it is not there.
Result<base::UniqueFd> make_file_in_root(int root_fd, const std::string& path);

// A folder directly in the root which must not be a link: a mount there decides what programs see
// under that very name.
Result<base::UniqueFd> make_top_folder(int root_fd, const std::string& name, mode_t mode);

}  // namespace msb::isolation::jail
