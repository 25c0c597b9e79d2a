// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

// Of a sandbox; it has a pid namespace to itself, and builds the rest.
struct FirstProcess {
  pid_t pid = -1;  // in the child 0
  base::UniqueFd pidfd;
};

// As fork(). `birth_folder` is the cgroup that it is born into; without one, that of its parent.
Result<FirstProcess> clone_first_process(const base::UniqueFd& birth_folder);

}  // namespace msb::isolation::jail
