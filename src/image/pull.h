// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/try.h"
#include "image/home.h"
#include "image/install.h"
#include "image/reference.h"
#include "image/store.h"

namespace msb::image {

// Asks the registry what `reference` is and fetches its documents; the layers are downloaded when
// install() asks for them. `progress` must outlive the result.
Result<IncomingImage> open_pull(const Reference& reference, const PullOptions& options,
                                const Home& home, ProgressReporter& progress);

}  // namespace msb::image
