// SPDX-License-Identifier: Apache-2.0
//
// The archive that a kernel unpacks into its first root: the cpio format "newc".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"

namespace msb::isolation::microvm {

class CpioWriter {
 public:
  void add_folder(std::string_view path);
  void add_file(std::string_view path, unsigned mode, std::string_view content);
  // The console, without which the first process has no standard error.
  void add_console();
  std::string take() &&;

 private:
  void add(std::string_view path, unsigned mode, std::string_view content, unsigned device);

  std::string archive_;
  unsigned next_inode_ = 1;
};

struct InitramfsParts {
  std::string_view init;   // msb-guest
  std::string_view agent;  // msb-agent
  std::vector<std::string> modules;
};

// What a machine starts from. The modules are read from their paths.
Result<std::string> make_initramfs(const InitramfsParts& parts);

}  // namespace msb::isolation::microvm
