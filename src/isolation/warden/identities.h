// SPDX-License-Identifier: Apache-2.0
//
// The uid ranges of running sandboxes. A range is taken by locking its byte of a file that all
// wardens of the host share; the lock ends with its process, so a range is never lost and there is
// nothing to clean up (docs/decisions/0004).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/jail/id_map.h"

namespace msb::isolation::warden {

inline constexpr std::uint32_t kMaxSlot = 4094;

struct Identity {
  std::uint32_t slot = 0;
  jail::IdRange range;
  base::UniqueFd user_namespace;
  base::UniqueFd layer_map;  // invalid: layers are not mapped
};

class Identities {
 public:
  // A range of its own for each sandbox.
  static Result<Identities> of_slots(const std::string& slot_file);
  // The same range for all, each in a user namespace of its own. Where layers cannot be mapped, or
  // there is only one range to have.
  static Identities of_one(const jail::IdRange& range);

  // kResourceExhausted: all ranges are taken. The identity stays where it is until it is given
  // back.
  Result<const Identity*> take();
  void give_back(const Identity& identity);

  bool are_distinct() const { return slots_.valid(); }

 private:
  Identities() = default;
  // Whether nobody else has it; then it is ours.
  bool lock(std::uint32_t slot);
  Result<const Identity*> make(std::uint32_t slot);

  base::UniqueFd slots_;
  jail::IdRange shared_range_;
  std::map<std::uint32_t, Identity> made_;  // user namespaces are kept for the next use of a slot
  std::vector<std::uint32_t> free_;         // of made_; last given back is taken first
  std::uint32_t next_ = 1;
};

}  // namespace msb::isolation::warden
