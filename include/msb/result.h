// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value or the Error that prevented it. The API throws nothing of its own.
#pragma once

#include <expected>

#include "msb/error.h"

namespace msb {

template <typename T = void>
using Result = std::expected<T, Error>;

}  // namespace msb
