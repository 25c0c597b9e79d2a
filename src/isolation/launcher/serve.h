// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "isolation/launcher/protocol.h"

namespace msb::isolation::launcher {

// The server's socket.
inline constexpr int kServerSocket = 3;

// Serves the server at kServerSocket until it is gone. Returns an exit status.
int serve(const Settings& settings);

}  // namespace msb::isolation::launcher
