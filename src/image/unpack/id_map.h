// SPDX-License-Identifier: Apache-2.0
//
// The identity in which layers are written: a user namespace whose ids 0..65535 are, on disk,
//   as root:      0x70000000 and up, ids that no account of the host has;
//   without root: the user's own id for 0, and the user's subordinate ids (/etc/subuid) for the
//                 rest, by newuidmap; without those, the user's own id for everything.
#pragma once

#include <cstdint>

#include "base/try.h"

namespace msb::image::unpack {

enum class IdMap { kFull, kSingle };

// Moves this single-threaded process into a new user namespace of that identity, together with new
// namespaces of the kinds in `clone_flags`, and makes it id 0 there. As root, the ids on disk are
// those from `base` on.
Result<IdMap> enter_user_namespace(int clone_flags, std::uint32_t base);

}  // namespace msb::image::unpack
