// SPDX-License-Identifier: Apache-2.0
//
// Everything. The single headers can be included on their own.
#pragma once

#include "msb/engine.h"     // IWYU pragma: export
#include "msb/error.h"      // IWYU pragma: export
#include "msb/execution.h"  // IWYU pragma: export
#include "msb/host.h"       // IWYU pragma: export
#include "msb/image.h"      // IWYU pragma: export
#include "msb/logger.h"     // IWYU pragma: export
#include "msb/metrics.h"    // IWYU pragma: export
#include "msb/options.h"    // IWYU pragma: export
#include "msb/result.h"     // IWYU pragma: export
#include "msb/sandbox.h"    // IWYU pragma: export
