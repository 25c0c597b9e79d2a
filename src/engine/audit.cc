// SPDX-License-Identifier: Apache-2.0
#include "engine/audit.h"

#include <algorithm>
#include <thread>

#include "engine/audit_parts.h"

namespace msb::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenReadings{50};

Audit read_once(const std::string& home) {
  const AuditGround ground = survey(home);
  Audit audit;
  audit.engines = ground.engines;
  for (const auto part :
       {audit_processes, audit_groups, audit_uid_ranges, audit_listeners, audit_mounts,
        audit_loop_devices, audit_folders, audit_database, audit_server}) {
    audit.topics.push_back(part(ground));
  }
  return audit;
}

bool is_clean(const Audit& audit) {
  return std::ranges::all_of(audit.topics,
                             [](const AuditTopic& topic) { return topic.leftovers.empty(); });
}

// Leaves of `later` what `earlier` had found as well. The topics are the same, in one order.
void keep_common(Audit& later, const Audit& earlier) {
  for (std::size_t i = 0; i < later.topics.size(); ++i) {
    const std::vector<Leftover>& before = earlier.topics[i].leftovers;
    std::erase_if(later.topics[i].leftovers, [&before](const Leftover& leftover) {
      return std::ranges::find(before, leftover.what, &Leftover::what) == before.end();
    });
  }
}

}  // namespace

Result<Audit> audit(const std::string& home, std::chrono::milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  Audit found = read_once(home);
  while (!is_clean(found) && Clock::now() < deadline) {
    std::this_thread::sleep_for(kBetweenReadings);
    Audit again = read_once(home);
    keep_common(again, found);
    found = std::move(again);
  }
  return found;
}

}  // namespace msb::engine
