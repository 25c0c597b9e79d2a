// SPDX-License-Identifier: Apache-2.0
//
// msb-server: the program behind `msb server`. One word says what to do:
//
//   start    serves until SIGTERM or SIGINT; the second one ends it at once
//   keygen   prints an API key
//   mcp      speaks MCP on stdin and stdout, with an engine of its own
#pragma once

namespace msb::server {

int run_program(int argc, char** argv);

}  // namespace msb::server
