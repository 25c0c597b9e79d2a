// SPDX-License-Identifier: Apache-2.0
//
// msb-warden: the process that makes and ends sandboxes for one engine. Started by it, not by
// people.
//
//   msb-warden serve HOME AGENT ENGINE_ID [--isolation TIER...] [--volumes-beneath ROOT...]
//                                            with the engine's socket as descriptor 3
//   msb-warden probe HOME AGENT              findings about this host on standard output
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "isolation/warden/probe.h"
#include "isolation/warden/serve.h"

namespace {

using msb::isolation::warden::ServeOptions;

// What the engine is not to be allowed. Without any it may have what this program can do. False:
// words that mean nothing.
bool read_rules(std::span<char*> words, ServeOptions& options) {
  std::vector<std::string>* list = nullptr;
  for (const std::string_view word : words) {
    if (word == "--isolation") {
      list = &options.tiers;
    } else if (word == "--volumes-beneath") {
      list = &options.volume_roots.emplace();
    } else if (list != nullptr) {
      list->emplace_back(word);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  const std::string_view verb = argc > 1 ? arguments[1] : "";
  if (verb == "serve" && argc >= 5) {
    ServeOptions options{.home = arguments[2],
                         .agent_path = arguments[3],
                         .engine_id = arguments[4],
                         .volume_roots = std::nullopt,
                         .tiers = {}};
    if (!read_rules(arguments.subspan(5), options)) {
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
