// SPDX-License-Identifier: Apache-2.0
//
// What this host can do, found by trying: the library behind `msb doctor`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "msb/export.h"
#include "msb/result.h"

namespace msb {

struct HostFinding {
  enum class Level { kGood, kWeak, kMissing };
  std::string topic;
  Level level = Level::kGood;
  std::string detail;
  std::string remedy;  // empty when good
};

struct TierReport {
  std::string tier;  // "jail"
  bool usable = false;
  std::vector<HostFinding> findings;
};

struct MSB_EXPORT HostReport {
  std::string version;  // of this library
  std::string kernel;
  std::string home;
  std::vector<TierReport> tiers;
  std::string to_json() const;
};

// "0.1.0": the version of this library.
MSB_EXPORT std::string_view version() noexcept;

MSB_EXPORT Result<HostReport> examine_host(const std::string& home = {},
                                           const std::string& libexec_dir = {});

}  // namespace msb
