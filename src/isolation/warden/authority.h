// SPDX-License-Identifier: Apache-2.0
//
// What this warden may do on this host, taken hold of before anything else.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"
#include "isolation/jail/jail.h"
#include "isolation/warden/identities.h"

namespace msb::isolation::warden {

struct Authority {
  jail::Powers powers;
  Identities identities;
  std::vector<std::string> weaknesses;
};

// As the host's root: uid ranges for all. Otherwise the calling process enters a user namespace of
// its own, in which it is root over what it may be.
Result<Authority> take_authority();

}  // namespace msb::isolation::warden
