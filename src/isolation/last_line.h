// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace msb::isolation {

// Of what a program has printed about something foreign, for an error: what is not printable ASCII
// is shown as '?'.
std::string last_line(std::string said);

}  // namespace msb::isolation
