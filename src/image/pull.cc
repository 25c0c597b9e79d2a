// SPDX-License-Identifier: Apache-2.0
#include "image/pull.h"

namespace msb::image {

Result<IncomingImage> open_pull(const Reference& reference, const PullOptions&, const Home&,
                                ProgressReporter&) {
  return fail(ErrorCode::kNotFound, "there is no image '" + reference.str() + "' here");
}

}  // namespace msb::image
