// SPDX-License-Identifier: Apache-2.0
//
// The pid namespace in which a warden and all its sandboxes live. Its first process is the warden;
// when that dies, of whatever, the kernel kills everything in the namespace, nested namespaces
// included. PR_SET_PDEATHSIG on each sandbox would not do: a process sheds it by changing its user.
//
//   msb-warden (keeper: waits)
//     └─ pid 1 of the namespace: the warden proper      dies with the keeper
//          ├─ sandbox                                   dies with the warden
//          └─ sandbox
#pragma once

#include <functional>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::warden {

// Runs `body` in a child that is the first process of a new pid namespace, and answers its exit
// status when it has ended. `body` gets a descriptor that becomes readable when this process dies.
// For single-threaded callers; closes all descriptors of the calling process.
Result<int> run_enclosed(const std::function<int(base::UniqueFd keeper)>& body);

}  // namespace msb::isolation::warden
