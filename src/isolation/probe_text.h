// SPDX-License-Identifier: Apache-2.0
//
// How the warden's self-examination is written down: one finding per line, four fields with tabs
// between them, "good|weak|missing", topic, detail, remedy.
#pragma once

#include <string>
#include <string_view>

#include "base/try.h"
#include "isolation/host_probe.h"

namespace msb::isolation {

std::string to_text(const HostProbe& probe);
Result<HostProbe> parse_probe(std::string_view text);

}  // namespace msb::isolation
