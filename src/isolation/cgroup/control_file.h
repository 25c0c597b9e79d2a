// SPDX-License-Identifier: Apache-2.0
//
// The files through which a cgroup is read and set: short texts, one system call each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::cgroup {

// Errors name the folder's file: "write(memory.max): Device or resource busy".
Result<> write_control(const std::string& folder, const std::string& file, std::string_view value);
Result<std::string> read_control(const std::string& folder, const std::string& file);

// For a gauge; invalid when the kernel does not offer the file.
base::UniqueFd open_gauge(const std::string& folder, const std::string& file);

// mkdir that is content with what is already there.
Result<> make_group(const std::string& folder);

// rmdir. True: it is gone (or was never there). False: the kernel still counts a process in it.
Result<bool> remove_group(const std::string& folder);

}  // namespace msb::isolation::cgroup
