// SPDX-License-Identifier: Apache-2.0
#include "server/health.h"

#include <array>

#include "rpc/json.h"

namespace msb::server {
namespace {

// Words are only ever added.
constexpr std::array kFeatures = {
    "command.options", "fork",    "info",   "isolation", "log",           "output.lines",
    "pause",           "process", "remove", "snapshot",  "start.details", "start.options"};

}  // namespace

std::string health_text(std::string_view version) {
  return rpc::to_text({{"message", "Service is healthy"},
                       {"server", "msb"},
                       {"version", version},
                       {"features", kFeatures}});
}

}  // namespace msb::server
