// SPDX-License-Identifier: Apache-2.0
//
// The files of drivers/, as bytes; generated at build time (embed.cmake).
#pragma once

#include <string_view>

namespace msb::agent::repl {

// An argument of the interpreter; reads the driver from the control socket.
extern const std::string_view kPythonBootstrap;
extern const std::string_view kNodeBootstrap;
extern const std::string_view kPythonDriver;  // precompiled where the build has a Python
extern const std::string_view kNodeDriver;
extern const std::string_view kNodeRenewal;  // an addon

}  // namespace msb::agent::repl
