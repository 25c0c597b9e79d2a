// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "base/try.h"

namespace msb::base {

// The pid under which the mounted /proc, and so a person, knows the process; not ours, if we are in
// a pid namespace of our own. kNotFound: it has ended.
Result<pid_t> pid_of(int pidfd);

}  // namespace msb::base
