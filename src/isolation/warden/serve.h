// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace msb::isolation::warden {

struct ServeOptions {
  std::string home;
  std::string agent_path;
  std::string engine_id;
};

// The engine's socket.
inline constexpr int kEngineSocket = 3;

// Serves the engine at kEngineSocket until it is gone; kills and removes all sandboxes then. The
// first message says whether the warden could start: DoneReply of request 0, with a pidfd of the
// warden, or FailedReply.
// Returns an exit status.
int serve(const ServeOptions& options);

}  // namespace msb::isolation::warden
