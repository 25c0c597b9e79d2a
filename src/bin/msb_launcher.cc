// SPDX-License-Identifier: Apache-2.0
//
// msb-launcher: starts wardens and unpackers for a server that has given up the rights they need.
// Started by it, not by people.
//
//   msb-launcher HOME WARDEN AGENT UNPACK [RULE...]   with the server's socket as descriptor 3
//
// Rules are the last of a warden's arguments (msb_warden.cc).
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
                                              .warden_rules = {}};
  const auto rules = arguments.subspan(5);
  settings.warden_rules.assign(rules.begin(), rules.end());
  return msb::isolation::launcher::serve(settings);
}
