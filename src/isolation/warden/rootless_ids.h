// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/try.h"
#include "isolation/jail/id_map.h"

namespace msb::isolation::warden {

struct SubordinateIds {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const SubordinateIds&) const = default;
};

// The first range that a file like /etc/subuid gives to `user` (or to the number `uid`).
std::optional<SubordinateIds> find_subordinate_ids(std::string_view text, std::string_view user,
                                                   std::uint32_t uid);

// Makes the calling process the root of a user namespace (and of a mount namespace in it): over the
// own id and the subordinate ones where newuidmap and newgidmap can give them, else over the own
// id. Answers the ids there are inside, from 0 on. For single-threaded callers.
Result<jail::IdRange> enter_own_user_namespace();

}  // namespace msb::isolation::warden
