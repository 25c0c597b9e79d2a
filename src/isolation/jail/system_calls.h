// SPDX-License-Identifier: Apache-2.0
//
// The system calls a guest may make (system_call_policy.cc says which and why). Installed by each
// sandbox's first process, inherited by everything inside.
#pragma once

#include "base/try.h"

namespace msb::isolation::jail {

// For the calling process, which has no_new_privs.
Result<> restrict_system_calls();

}  // namespace msb::isolation::jail
