// SPDX-License-Identifier: Apache-2.0
#include "isolation/cgroup/freezer.h"

#include "base/parse.h"
#include "isolation/cgroup/control_file.h"

namespace msb::isolation::cgroup {

Result<> set_motion_of(const std::string& group, Motion motion) {
  if (group.empty()) {
    return fail(ErrorCode::kUnsupported,
                "this host gives no cgroup of version 2 to freeze processes in");
  }
  return write_control(group, "cgroup.freeze", motion == Motion::kFrozen ? "1" : "0");
}

Result<bool> is_frozen_group(const std::string& group) {
  return base::number_behind(TRY(read_control(group, "cgroup.events")), "frozen") != 0;
}

}  // namespace msb::isolation::cgroup
