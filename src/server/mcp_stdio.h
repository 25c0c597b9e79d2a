// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/try.h"
#include "server/mcp_dispatcher.h"

namespace msb::server {

// MCP over two descriptors, one message a line, until the input ends. Calls of tools run side by
// side; every answer is one write. Blocks.
Result<> serve_mcp(const McpDispatcher& dispatcher, int input_fd, int output_fd);

}  // namespace msb::server
