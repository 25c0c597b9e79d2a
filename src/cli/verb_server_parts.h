// SPDX-License-Identifier: Apache-2.0
//
// The verbs of msb server that are longer than a page.
#pragma once

#include "cli/verb.h"

namespace msb::cli {

VerbFunction server_status;
VerbFunction server_list;
VerbFunction server_log;

}  // namespace msb::cli
