// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

#include "base/try.h"

namespace msb::base {

// A thread that takes no signals: those are for the threads of the program that we live in.
// kResourceExhausted: the host or the user may have no more of them.
Result<std::thread> start_thread(std::function<void()> body);

}  // namespace msb::base
