// SPDX-License-Identifier: Apache-2.0
//
// The files of the host that a server can open, by Landlock: whoever takes it over is root without
// root's files.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"

namespace msb::server {

struct FileAccess {
  std::string writable;               // a folder
  std::vector<std::string> readable;  // files and folders; those that are not there are left out
};

// For the calling thread and those it starts later. False: this kernel has no Landlock.
// Opening with O_PATH is not restricted, nor are names, owners and modes: the first is what volumes
// need, the others the system call filter refuses.
Result<bool> restrict_files(const FileAccess& access);

}  // namespace msb::server
