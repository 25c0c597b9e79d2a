// SPDX-License-Identifier: Apache-2.0
//
// Where things are on this host.
#pragma once

#include <string>

#include "base/try.h"

namespace msb::base {

// `wanted`, else $MSB_HOME, else ~/.microsandbox; absolute. Not created here.
Result<std::string> home_folder(const std::string& wanted = {});

// Absolute path of one of our programs ("msb-warden"): in `wanted_folder`, else $MSB_LIBEXEC_DIR,
// else beside the running executable or in ../libexec/msb from it (from the shared library, where
// it is one), else the installed place. kNotFound names all that was tried.
Result<std::string> find_program(const std::string& name, const std::string& wanted_folder = {});

}  // namespace msb::base
