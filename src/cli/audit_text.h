// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/paint.h"
#include "msb/host.h"

namespace msb::cli {

// What `msb doctor --audit` prints: who lives, what they have, and what is left over.
std::string text_of(const HostAudit& audit, const Paint& paint);

}  // namespace msb::cli
