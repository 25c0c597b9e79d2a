// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "msb/result.h"

namespace msb::bench {

// Writes `folder`/config.json: Python on `rootfs` with the namespaces, the limits and the lack of
// powers that a sandbox of ours has, as far as the runtimes know them.
Result<> write_oci_bundle(const std::string& folder, const std::string& rootfs,
                          std::string_view python_code);

}  // namespace msb::bench
