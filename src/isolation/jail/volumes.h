// SPDX-License-Identifier: Apache-2.0
//
// Host folders and files that a sandbox may use. Read-only, and whose files they are, is a property
// of the mount, which the guest cannot change.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/jail/id_map.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation::jail {

struct VolumeMount {
  base::UniqueFd mount;  // detached
  std::string guest_path;
  bool is_folder = true;
  bool read_only = false;
  std::string weakness;  // what could not be promised for it; empty when nothing
};

struct VolumeOwner {
  std::uint32_t uid = 0;  // inside the sandbox
  std::uint32_t gid = 0;
};

enum class VolumeIds { kMapped, kAsOnHost };

// In the order in which they are to be attached: outer folders first. Only what is on the volume's
// own file system is in it, not what the host has mounted beneath it.
// Must run in the mount namespace in which the sources were opened.
Result<std::vector<VolumeMount>> clone_volumes(const std::vector<Volume>& volumes,
                                               const IdRange& range, VolumeOwner owner,
                                               VolumeIds ids);

// Attaches them beneath the sandbox's root, making the places that are not there.
Result<> attach_volumes(int root_fd, const std::vector<VolumeMount>& volumes);

}  // namespace msb::isolation::jail
