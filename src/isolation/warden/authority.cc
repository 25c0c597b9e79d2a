// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/authority.h"

#include <unistd.h>

#include <utility>

namespace msb::isolation::warden {

Result<Authority> take_authority() {
  if (::geteuid() != 0) {
    return fail(ErrorCode::kUnsupported, "the warden needs root");
  }
  Identities identities = TRY(Identities::of_slots(kSlotFile));
  return Authority{{}, std::move(identities), {}};
}

}  // namespace msb::isolation::warden
