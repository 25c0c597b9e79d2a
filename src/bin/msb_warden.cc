// SPDX-License-Identifier: Apache-2.0
//
// msb-warden: the process that makes and ends sandboxes for one engine. Started by it, not by
// people.
//
//   msb-warden serve HOME AGENT ENGINE_ID [--volumes-beneath ROOT...]
//                                            with the engine's socket as descriptor 3
//   msb-warden probe HOME AGENT              findings about this host on standard output
#include <cstdio>
#include <span>
#include <string_view>

#include "isolation/warden/probe.h"
#include "isolation/warden/serve.h"

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const std::string_view verb = argc > 1 ? arguments[1] : "";
  if (verb == "serve" && argc >= 5) {
    msb::isolation::warden::ServeOptions options{.home = arguments[2],
                                                 .agent_path = arguments[3],
                                                 .engine_id = arguments[4],
                                                 .volume_roots = std::nullopt};
    if (argc > 5 && std::string_view(arguments[5]) == "--volumes-beneath") {
      options.volume_roots.emplace(arguments.begin() + 6, arguments.end());
    } else if (argc > 5) {
      std::fputs("msb-warden: unknown argument\n", stderr);
      return 2;
    }
    return msb::isolation::warden::serve(options);
  }
  if (verb == "probe" && argc == 4) {
    return msb::isolation::warden::probe(arguments[2], arguments[3]);
  }
  std::fputs("msb-warden is started by the Microsandbox engine\n", stderr);
  return 2;
}
