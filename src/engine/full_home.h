// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/try.h"

namespace msb::engine {

// A failure of what had to be written beneath `home`. When there is no room left, that is the
// cause, whatever call it was that met it: then the error says so, and what to do.
Error explain_full_home(Error error, const std::string& home);

}  // namespace msb::engine
