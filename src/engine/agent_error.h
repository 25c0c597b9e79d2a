// SPDX-License-Identifier: Apache-2.0
//
// Failures as they come from inside, turned into errors of ours. What the agent says is foreign:
// its codes are held to a list and its text to printable characters.
#pragma once

#include <cstdint>
#include <optional>

#include "base/try.h"
#include "isolation/warden_client.h"
#include "wire/messages.h"

namespace msb::engine {

Error error_from_agent(const wire::Failed& failed);

// kSandboxGone with the cause: what the warden reported, else why the link was lost.
Error error_from_exit(const std::optional<isolation::SandboxExit>& exit, const Error& lost,
                      std::uint64_t memory_limit_bytes);

}  // namespace msb::engine
