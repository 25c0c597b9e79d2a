// SPDX-License-Identifier: Apache-2.0
//
// msb-server: what `msb server start`, `msb server keygen` and `msb mcp` become. It speaks to their
// users in msb's name, with msb's exit status.
//
//   start    serves until SIGTERM, SIGINT or SIGHUP; the second one ends it at once
//   keygen   prints an API key
//   mcp      speaks MCP on stdin and stdout, with an engine of its own
#pragma once

namespace msb::server {

int run_program(int argc, char** argv);

}  // namespace msb::server
