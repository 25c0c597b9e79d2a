// SPDX-License-Identifier: Apache-2.0
//
// What sandboxes hold of this host's kernel beside processes: mounts, loop devices, cgroups, ranges
// of user ids, listening sockets. Read for an audit; nothing here changes anything.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "isolation/process_table.h"

namespace msb::isolation {

// The file whose locked bytes are the uid ranges in use; see warden/identities.h.
inline constexpr const char* kUidSlotFile = "/run/msb/uid-slots";

// Mount points beneath `folder`, seen from this process's mount namespace. Those of sandboxes are
// in their own and never seen here.
std::vector<std::string> mounts_beneath(const std::string& folder);

struct LoopDeviceTrace {
  std::string name;          // "loop3"
  std::string backing_file;  // the kernel marks a file that is gone: "... (deleted)"
};
std::vector<LoopDeviceTrace> loop_devices_beneath(const std::string& folder);

struct EngineGroupTrace {
  std::string folder;
  std::string engine_id;
  bool is_claimed = false;        // by a warden that lives
  std::vector<std::string> idle;  // groups in it that hold no process
};
// Of all homes, in every place where wardens are likely to have made them.
std::vector<EngineGroupTrace> engine_groups();

// The numbers of all locked ranges; nothing when the file cannot be looked into (no root).
std::set<std::uint32_t> locked_uid_slots();
bool can_see_uid_slots();
// Those that `process` has locked.
std::set<std::uint32_t> uid_slots_of(const ProcessEntry& process);

// "socket:[inode]" of the sockets of this network namespace that listen: TCP and unix.
std::set<std::string> listening_sockets();

}  // namespace msb::isolation
