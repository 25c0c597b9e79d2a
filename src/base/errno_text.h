// SPDX-License-Identifier: Apache-2.0
//
// What an errno value is called, the same in every process: what one appends to an error another
// takes off. In English, whatever the locale; without looking for a translation, since errors such
// as EAGAIN are made and thrown away all the time.
#pragma once

#include <string>

namespace msb::base {

// ": No such file or directory"
std::string errno_suffix(int value);

}  // namespace msb::base
