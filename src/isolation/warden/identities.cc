// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/identities.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

struct flock byte_of(std::uint32_t slot, short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = slot;
  lock.l_len = 1;
  return lock;
}

// A rootless warden's own ids are the user's and, from 1 on, the subordinate ones: two extents, and
// the kernel wants each extent of a child within one of its parent.
jail::IdMap own_map(const jail::IdRange& range) {
  if (range.base != 0 || range.count == 1) {
    return jail::sandbox_map(range);
  }
  return {{0, 0, 1}, {1, 1, range.count - 1}};
}

}  // namespace

Result<Identities> Identities::of_slots(const std::string& slot_file) {
  Identities identities;
  TRY(base::make_folders(std::filesystem::path(slot_file).parent_path().string(), 0755));
  // Not readable by others: who can open it can take every range.
  identities.slots_ = TRY(sys::open(slot_file, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  return identities;
}

Identities Identities::of_one(const jail::IdRange& range) {
  Identities identities;
  identities.shared_range_ = range;
  return identities;
}

bool Identities::lock(std::uint32_t slot) {
  struct flock wanted = byte_of(slot, F_WRLCK);
  return ::fcntl(slots_.get(), F_OFD_SETLK, &wanted) == 0;
}

Result<const Identity*> Identities::take() {
  if (!are_distinct()) {
    return make(next_++);
  }
  // Those whose user namespaces are there already; another warden may have the range by now.
  for (std::size_t i = free_.size(); i-- > 0;) {
    const std::uint32_t slot = free_[i];
    if (lock(slot)) {
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
      return &made_.at(slot);
    }
  }
  for (std::uint32_t tried = 0; tried < kMaxSlot; ++tried) {
    const std::uint32_t slot = next_;
    next_ = next_ == kMaxSlot ? 1 : next_ + 1;
    if (!made_.contains(slot) && lock(slot)) {
      auto identity = make(slot);
      if (!identity) {
        struct flock unlock = byte_of(slot, F_UNLCK);
        ::fcntl(slots_.get(), F_OFD_SETLK, &unlock);
      }
      return identity;
    }
  }
  return fail(ErrorCode::kResourceExhausted,
              "all " + std::to_string(kMaxSlot) + " uid ranges are in use");
}

Result<const Identity*> Identities::make(std::uint32_t slot) {
  Identity identity;
  identity.slot = slot;
  identity.range = are_distinct() ? jail::range_of_slot(slot) : shared_range_;
  const jail::IdMap own = own_map(identity.range);
  identity.user_namespace = TRY(jail::make_user_namespace(own, own, jail::NamespaceUse::kSandbox));
  if (are_distinct()) {
    const jail::IdMap layers = jail::store_map(identity.range);
    identity.layer_map =
        TRY(jail::make_user_namespace(layers, layers, jail::NamespaceUse::kMounts));
  }
  return &made_.emplace(slot, std::move(identity)).first->second;
}

void Identities::give_back(const Identity& identity) {
  if (!are_distinct()) {
    made_.erase(identity.slot);
    return;
  }
  struct flock unlock = byte_of(identity.slot, F_UNLCK);
  ::fcntl(slots_.get(), F_OFD_SETLK, &unlock);
  free_.push_back(identity.slot);
}

}  // namespace msb::isolation::warden
