// SPDX-License-Identifier: Apache-2.0
//
// Limits in a message, to the warden or into a machine.
#pragma once

#include "base/bytes.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation {

void write_limits(base::ByteWriter& writer, const Limits& limits);
Limits read_limits(base::ByteReader& reader);

}  // namespace msb::isolation
