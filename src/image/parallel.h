// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

#include "base/try.h"

namespace msb::image {

// Runs job(0) .. job(count - 1) on up to `max_threads` threads and waits for all of them. The first
// error is returned; it, or a request of `stop`, asks those that still run to end.
Result<> run_parallel(std::size_t count, std::size_t max_threads, std::stop_token stop,
                      const std::function<Result<>(std::size_t, std::stop_token)>& job);

}  // namespace msb::image
