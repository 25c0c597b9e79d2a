// SPDX-License-Identifier: Apache-2.0
//
// The programs of tests/guest, one row each: what it tries, which promise that would break, and
// what should come of it instead.
#pragma once

#include <iosfwd>
#include <span>

#include "promise.h"

namespace msb::security {

enum class Room {
  kAny,      // a sandbox whose one volume is read-only: the widest set of system calls
  kSharing,  // one with a folder of the host at /shared, to which it may write
};

struct Attempt {
  const char* program;
  Room room;
  Promise promise;
  const char* tries;
  const char* expected;
};
std::ostream& operator<<(std::ostream& out, const Attempt& attempt);

std::span<const Attempt> attempts();

}  // namespace msb::security
