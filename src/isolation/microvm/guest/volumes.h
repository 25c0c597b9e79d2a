// SPDX-License-Identifier: Apache-2.0
//
// The host's folders and files in the sandbox of a machine. It runs already when they come, since a
// clone's has been running all along; but nothing of the user's does.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/try.h"
#include "isolation/microvm/guest_messages.h"

namespace msb::isolation::microvm {

// Puts them where they belong, in the mount namespace of the sandbox whose first process `pid` is.
Result<> attach_volumes(pid_t pid, const std::vector<GuestVolume>& volumes);

}  // namespace msb::isolation::microvm
