// SPDX-License-Identifier: Apache-2.0
//
// Is all that sandboxes of one home have on this host theirs who live? Locks say who lives; the
// rest is compared with that: processes, mounts, loop devices, cgroups, uid ranges, listening
// sockets, folders, rows of the database.
//
// An ending takes the kernel some moments, and sandboxes come and go while we look. So a reading
// that finds something is repeated for a while, and only what was there in every one is left over.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/try.h"

namespace msb::engine {

struct Leftover {
  std::string what;
  std::string remedy;     // what the user can do
  std::string engine_id;  // whose it was, where that can be told
};

struct AuditTopic {
  std::string name;        // "processes", "mounts", ...
  std::size_t in_use = 0;  // how many have a living owner
  std::string unseen;      // why this could not be looked into; empty when it was
  std::vector<Leftover> leftovers;
};

struct LivingEngine {
  std::string id;
  pid_t pid = 0;         // 0: cannot be seen
  std::string program;   // its name
  pid_t warden_pid = 0;  // 0: none; it is started with the first sandbox
  std::size_t sandboxes = 0;
};

struct Audit {
  std::vector<LivingEngine> engines;
  std::vector<AuditTopic> topics;
};

// How long something may take to go before it counts as left over.
inline constexpr std::chrono::milliseconds kAuditPatience{3000};

// `home` is absolute. A home that does not exist has nothing.
Result<Audit> audit(const std::string& home, std::chrono::milliseconds patience = kAuditPatience);

}  // namespace msb::engine
