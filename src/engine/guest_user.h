// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/try.h"

namespace msb::engine {

struct GuestUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// Whom "name", "uid" or "user:group" means in an image with these unpacked layers (lowest first),
// by its /etc/passwd and /etc/group. Empty is root. Reads within bounds and never outside of the
// layers. kInvalidArgument: no such user or group.
Result<GuestUser> find_guest_user(const std::string& user,
                                  const std::vector<std::string>& layer_paths);

}  // namespace msb::engine
