// SPDX-License-Identifier: Apache-2.0
//
// The image's layers as mounts that show them in the sandbox's own ids.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

// One detached mount per layer, lowest first. `paths` are beneath `home_fd` and reached without
// following a link out of it. `id_map`: a user namespace, or -1 for the ids on disk.
// Must run in the mount namespace in which `home_fd` was opened: the kernel copies only from there.
Result<std::vector<base::UniqueFd>> clone_layers(int home_fd, const std::vector<std::string>& paths,
                                                 int id_map);

}  // namespace msb::isolation::jail
