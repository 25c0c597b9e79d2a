// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/try.h"

namespace msb::isolation {

// Runs `body` in a child, for what changes the process that does it (namespaces, users, filters),
// and waits for its end. Success, or the child's error. For a process of one thread.
Result<> in_child(const std::function<Result<>()>& body);

}  // namespace msb::isolation
