// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace msb::isolation::warden {

struct ServeOptions {
  std::string home;
  std::string agent_path;
  std::string engine_id;
  // Where volumes must lie beneath (volume_roots.h); nullopt: anywhere.
  std::optional<std::vector<std::string>> volume_roots;
  // Which tiers sandboxes may have; none: any.
  std::vector<std::string> tiers;
};

// The engine's socket.
inline constexpr int kEngineSocket = 3;

// Serves the engine at kEngineSocket until it is gone; kills and removes all sandboxes then. The
// first message says whether the warden could start: DoneReply of request 0, with a pidfd of the
// warden, or FailedReply.
// Returns an exit status.
int serve(const ServeOptions& options);

}  // namespace msb::isolation::warden
