// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace msb::cli {

// What holds for every verb.
struct Context {
  std::string home;  // --home; empty: the SDK's own choice ($MSB_HOME, else ~/.microsandbox)
};

}  // namespace msb::cli
