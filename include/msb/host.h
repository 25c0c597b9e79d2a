// SPDX-License-Identifier: Apache-2.0
//
// What this host can do, found by trying, but for machines, which take long to boot: the library
// behind `msb doctor`.
#pragma once

#include <cstdint>
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
  std::string tier;  // as in StartConfig::isolation
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

// Whether all that sandboxes of one home have on this host belongs to somebody who lives.
struct MSB_EXPORT HostAudit {
  struct Engine {
    std::string id;
    std::int64_t pid = 0;  // of the program that runs it; 0: cannot be seen from here
    std::string program;
    std::int64_t warden_pid = 0;  // 0: it has none yet
    std::int64_t sandboxes = 0;
  };
  struct Leftover {
    std::string what;
    std::string remedy;
    std::string engine_id;  // whose it was; empty when that cannot be told
  };
  struct Topic {
    std::string name;         // "processes", "cgroups", "uid ranges", "mounts", ...
    std::int64_t in_use = 0;  // how many have a living owner
    std::string unseen;       // why this could not be looked into; empty when it was
    std::vector<Leftover> leftovers;
  };
  std::string home;
  std::vector<Engine> engines;  // those that live
  std::vector<Topic> topics;

  // Nothing is left over of what could be seen.
  bool is_clean() const noexcept;
  std::string to_json() const;
};

// "0.1.0": the version of this library.
MSB_EXPORT std::string_view version() noexcept;

MSB_EXPORT Result<HostReport> examine_host(const std::string& home = {},
                                           const std::string& libexec_dir = {});

// Changes nothing. What an ending sandbox or program still has does not count, so a home with
// leftovers is looked at for three seconds; a clean one for some milliseconds. Other users'
// programs can only be seen by root. cgroups and uid ranges are this host's, of all homes.
MSB_EXPORT Result<HostAudit> audit_host(const std::string& home = {});

}  // namespace msb
