// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"
#include "engine/config.h"

namespace msb::engine {

// Opens the host's side of a volume (O_PATH) for the sandbox of that name, or says why not. It is
// asked at each start, also of a definition from long ago: what it returns is what is mounted, so
// what it checks cannot change in between. From any thread.
using VolumeOpener =
    std::function<Result<base::UniqueFd>(const Name& name, const std::string& host_path)>;

}  // namespace msb::engine
