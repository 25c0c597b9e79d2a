// SPDX-License-Identifier: Apache-2.0
//
// Two programs, because the two questions want opposite defaults: which calls at all (others: no
// such call), and with which arguments (others: allowed). The kernel obeys the stricter answer, and
// keeps a table of the calls that both always allow, which then cost nothing. A third stands
// between them where files are shared with the host.
#include "isolation/jail/system_calls.h"

#include <linux/filter.h>

#include "base/privileges.h"

namespace msb::isolation::jail {
namespace {

#include "guest_filter.inc"

}  // namespace

Result<> restrict_system_calls(SetIdBits bits) {
  // The first must still allow the others.
  TRY(base::install_system_call_filter(kByNumber));
  if (bits == SetIdBits::kRefused) {
    TRY(base::install_system_call_filter(kWithoutSetId));
  }
  return base::install_system_call_filter(kByArgument);
}

Result<> restrict_call_numbers() {
  TRY(base::install_system_call_filter(kByNumber));
  return base::install_system_call_filter(kWithoutSetId);
}

}  // namespace msb::isolation::jail
