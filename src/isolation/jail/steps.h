// SPDX-License-Identifier: Apache-2.0
//
// The jail's own steps beside those of building.h, for a tier that builds one elsewhere: a micro VM
// has a jail inside.
#pragma once

#include "base/try.h"
#include "isolation/jail/building.h"

namespace msb::isolation::jail {

Result<> name_host(Building& building);
Result<> make_staging(Building& building);
Result<> add_devices(Building& building);
Result<> add_proc(Building& building);
Result<> change_root(Building& building);
Result<> change_identity(Building& building);
Result<> arrange_descriptors(Building& building);
Result<> restrict_self(Building& building);
Result<> execute_agent(Building& building);

}  // namespace msb::isolation::jail
