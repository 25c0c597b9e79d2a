// SPDX-License-Identifier: Apache-2.0
//
// Which walls a sandbox gets, as users name them: "jail", "oci:crun", "microvm".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"

namespace msb::isolation {

struct Tier {
  enum class Kind : std::uint8_t {
    kJail,     // namespaces and filters of our own making
    kOci,      // whatever an OCI runtime gives
    kMicrovm,  // a kernel of its own, in a machine of QEMU's
  } kind = Kind::kJail;
  std::string runtime;  // of kOci: the name of its program

  // Whose guests have a kernel of their own, and whose counts are that kernel's.
  bool is_machine() const { return kind == Kind::kMicrovm; }

  bool operator==(const Tier&) const = default;
};

// kInvalidArgument: not the name of a tier; says which there are. Whether this host has it is found
// when a sandbox is made.
Result<Tier> parse_tier(std::string_view text);
std::string to_text(const Tier& tier);

Result<std::vector<Tier>> parse_tiers(const std::vector<std::string>& texts);
// kPermissionDenied: not of those that are allowed, and which these are. None: any is.
Result<> check_allowed(const Tier& tier, const std::vector<Tier>& allowed);

}  // namespace msb::isolation
