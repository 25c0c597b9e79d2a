// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace msb::engine {

// Bytes allocated to the files beneath a folder of ours; symbolic links are not followed. Looks at
// a bounded number of entries: a guest decides how many there are.
std::int64_t disk_use_of_folder(const std::string& path);

}  // namespace msb::engine
