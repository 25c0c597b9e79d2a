// SPDX-License-Identifier: Apache-2.0
//
// What this host can give a sandbox, found by trying, not by reading version numbers.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"

namespace msb::isolation {

struct Finding {
  enum class Level { kGood, kWeak, kMissing };
  std::string topic;  // "user namespaces", "memory limit", ...
  Level level = Level::kGood;
  std::string detail;  // what was found
  std::string remedy;  // what the user can do; empty when good
};

struct TierProbe {
  std::string tier;  // see tier.h
  std::vector<Finding> findings;
  bool is_usable() const;  // nothing is missing
};

// Runs the warden's self-examination (`msb-warden probe`). Each OCI runtime that is found runs a
// container for it, which takes from some milliseconds to a second.
Result<std::vector<TierProbe>> probe_host(const std::string& warden_path,
                                          const std::string& agent_path, const std::string& home);

}  // namespace msb::isolation
