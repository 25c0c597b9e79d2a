// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <stop_token>

#include "base/try.h"
#include "engine/launch_site.h"
#include "engine/spare.h"
#include "image/store.h"

namespace msb::engine {

// kConflict: `image`, which the caller holds, is not the one of that kind (any more).
Result<std::unique_ptr<Spare>> make_spare(const LaunchSite& site, const SpareOrder& order,
                                          const image::Image& image, const std::stop_token& stop);

// Whether an image is what spares of a kind are made of.
bool is_of(const SpareKind& kind, const image::Image& image);

}  // namespace msb::engine
