// SPDX-License-Identifier: Apache-2.0
//
// The system calls a guest may make (system_call_policy.cc says which and why). Installed by each
// sandbox's first process, inherited by everything inside.
#pragma once

#include "base/try.h"

namespace msb::isolation::jail {

enum class SetIdBits {
  kMeaningless,  // all that the sandbox can write to is its own, and mounted nosuid
  kRefused,      // a volume's files are the host's also: a setuid file there is one of its owner
};

// For the calling process, which has no_new_privs.
Result<> restrict_system_calls(SetIdBits bits);

// The same calls with any arguments but set-id bits, so that the process can still put a filter of
// its own on itself: for a program that knows better what it needs, and has volumes.
Result<> restrict_call_numbers();

}  // namespace msb::isolation::jail
