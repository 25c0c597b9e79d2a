// SPDX-License-Identifier: Apache-2.0
//
// How the engine's ends of an agent's streams portion and grant.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "wire/messages.h"

namespace msb::engine {

// Without a frame for so long, the sandbox is asked whether it lives.
inline constexpr std::chrono::seconds kCheckInterval{10};
inline constexpr std::size_t kInputFrameBytes = 64 << 10;
// Credit is given back in quarters of the window: few frames, and the guest rarely waits.
inline constexpr std::uint32_t kCreditStepBytes = wire::kInitialCreditBytes / 4;
// More than any peer of ours ever grants.
inline constexpr std::uint64_t kMaxCreditBytes = 1ull << 32;

}  // namespace msb::engine
