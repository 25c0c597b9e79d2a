// SPDX-License-Identifier: Apache-2.0
//
// Ranges of user and group ids, and the user namespaces that map between them.
//
//   on disk (store identity)      on the host                  inside the sandbox
//   0x70000000 + id       ──►     base(slot) + id       ◄──    id
//            idmapped mount                      user namespace
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

inline constexpr std::uint32_t kIdsPerSandbox = 65536;
inline constexpr std::uint32_t kStoreBase = 0x70000000;

// The host ids that a sandbox's 0 .. count-1 are.
struct IdRange {
  std::uint32_t base = kStoreBase;
  std::uint32_t count = kIdsPerSandbox;
};

constexpr IdRange range_of_slot(std::uint32_t slot) {
  return {kStoreBase + kIdsPerSandbox * slot, kIdsPerSandbox};
}

// One line of uid_map: `count` ids from `inside` on are the parent's from `outside` on.
struct IdExtent {
  std::uint32_t inside;
  std::uint32_t outside;
  std::uint32_t count;
  bool operator==(const IdExtent&) const = default;
};
using IdMap = std::vector<IdExtent>;

// A sandbox's own: 0 .. count-1 inside.
IdMap sandbox_map(const IdRange& range);

// For an idmapped mount of something in store identity.
IdMap store_map(const IdRange& range);

// For an idmapped mount of a volume: the files of host id `owner` appear as the sandbox's id
// `appears_as`, and what that one creates is the owner's. The sandbox's other ids are in store
// identity there: they can create files, and what they create is nobody's on the host. `owner`
// need not be outside the store's range.
IdMap volume_map(const IdRange& range, std::uint32_t owner, std::uint32_t appears_as);

std::string to_text(const IdMap& map);

enum class NamespaceUse {
  kSandbox,  // will hold processes: may have no further namespaces of any kind
  kMounts,   // only says how an idmapped mount maps
};

// A user namespace with these maps. Forks a process for the time of the call; for single-threaded
// callers with CAP_SETUID and CAP_SETGID over both sides of the map. One for a sandbox belongs to
// the host id that is its root: the kernel counts what it hands out per user (inotify instances,
// message queues, pending signals) also against the owner of the namespace, so with one owner for
// all, each sandbox could use up everyone's, the host's root's included.
Result<base::UniqueFd> make_user_namespace(const IdMap& uids, const IdMap& gids, NamespaceUse use);

}  // namespace msb::isolation::jail
