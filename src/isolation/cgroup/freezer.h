// SPDX-License-Identifier: Apache-2.0
//
// The freezer of version 2, which every group of that version has, whatever controllers it has or
// lacks. Version 1 has one, too, and it is not used: what it has frozen cannot be killed, so that a
// warden that dies would leave processes that only another program can end.
#pragma once

#include <string>

#include "base/try.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation::cgroup {

// See Backend. `group`: a folder of version 2; empty: there is none.
Result<> set_motion_of(const std::string& group, Motion motion);
Result<bool> is_frozen_group(const std::string& group);

}  // namespace msb::isolation::cgroup
