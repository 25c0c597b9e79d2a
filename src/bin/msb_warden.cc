// SPDX-License-Identifier: Apache-2.0
//
// msb-warden: the process that makes and ends sandboxes for one engine. Started by it, not by
// people.
//
//   msb-warden serve HOME AGENT ENGINE_ID    with the engine's socket as descriptor 3
#include <cstdio>
#include <span>
#include <string_view>

#include "isolation/warden/serve.h"

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const std::string_view verb = argc > 1 ? arguments[1] : "";
  if (verb == "serve" && argc == 5) {
    return msb::isolation::warden::serve(
        {.home = arguments[2], .agent_path = arguments[3], .engine_id = arguments[4]});
  }
  std::fputs("msb-warden is started by the Microsandbox engine\n", stderr);
  return 2;
}
