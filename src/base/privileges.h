// SPDX-License-Identifier: Apache-2.0
//
// What a process of ours gives up, for good, before it meets foreign bytes. Each is for the calling
// thread and what it starts later: called while there is one thread.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/try.h"

namespace msb::base {

// CAP_* numbers as a set.
constexpr std::uint64_t capability_set(std::initializer_list<int> capabilities) {
  std::uint64_t set = 0;
  for (const int capability : capabilities) {
    set |= std::uint64_t{1} << capability;
  }
  return set;
}

// Keeps those of `kept` that the process has, and no other: out of the bounding set, too, where it
// may be changed. Programs that it starts inherit none.
Result<> keep_capabilities(std::uint64_t kept);

// No program that is started from here on, set-uid or not, has rights that its starter had not.
Result<> forbid_new_privileges();

// `program` is one that base/policy has compiled. Needs forbid_new_privileges() or CAP_SYS_ADMIN.
Result<> install_system_call_filter(std::span<const sock_filter> program);

}  // namespace msb::base
