// SPDX-License-Identifier: Apache-2.0
//
// How the warden's self-examination is written down: one finding per line, five fields with tabs
// between them, tier, "good|weak|missing", topic, detail, remedy. Those of a tier stand together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "isolation/host_probe.h"

namespace msb::isolation {

std::string to_text(const std::vector<TierProbe>& tiers);
Result<std::vector<TierProbe>> parse_probe(std::string_view text);

}  // namespace msb::isolation
