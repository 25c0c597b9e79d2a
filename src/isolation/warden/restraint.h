// SPDX-License-Identifier: Apache-2.0
//
// What the warden gives up before it reads its first request: capabilities that making sandboxes
// does not take, system calls likewise (system_call_policy.cc), and new privileges for whatever it
// starts. All of it holds for the processes that build jails, too, which give up the rest later.
#pragma once

#include "base/try.h"
#include "isolation/jail/jail.h"

namespace msb::isolation::warden {

Result<> restrain_warden(const jail::Powers& powers);

// For the process that only waits for the warden to end.
Result<> restrain_keeper();

}  // namespace msb::isolation::warden
