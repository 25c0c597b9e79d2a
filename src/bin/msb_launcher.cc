// SPDX-License-Identifier: Apache-2.0
//
// msb-launcher: starts wardens and unpackers for a server that has given up the rights they need.
// Started by it, not by people.
//
//   msb-launcher HOME WARDEN AGENT UNPACK [VOLUME_ROOT...]   with the server's socket as descriptor
//   3
#include <cstdio>
#include <span>
#include <string>

#include "isolation/launcher/serve.h"

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  if (argc < 5) {
    std::fputs("msb-launcher is started by msb-server\n", stderr);
    return 2;
  }
  msb::isolation::launcher::Settings settings{.home = arguments[1],
                                              .warden_path = arguments[2],
                                              .agent_path = arguments[3],
                                              .unpack_path = arguments[4],
                                              .volume_roots = {}};
  for (const char* root : arguments.subspan(5)) {
    settings.volume_roots.emplace_back(root);
  }
  return msb::isolation::launcher::serve(settings);
}
