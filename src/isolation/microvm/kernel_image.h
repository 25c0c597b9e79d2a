// SPDX-License-Identifier: Apache-2.0
//
// The kernel a machine boots: a stock one of the distribution, with its modules as files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"

namespace msb::isolation::microvm {

// A file longer than this is no module.
inline constexpr std::size_t kMaxModuleBytes = 32 << 20;

// How files in boot/ are named before the version: one that unpacks itself, and beside it, where
// somebody has put it there, what it unpacks to. That one is an ELF file with an entry of its own
// for machines (CONFIG_PVH) and is preferred: unpacking takes an emulated processor seconds.
inline constexpr std::string_view kPackedPrefix = "vmlinuz-";
inline constexpr std::string_view kUnpackedPrefix = "vmlinux-";

struct KernelImage {
  std::string version;         // as in /lib/modules
  std::string path;            // see kUnpackedPrefix
  std::string modules_folder;  // <root>/lib/modules/<version>
  bool has_volumes = false;    // the file system through which a guest sees them
};

// Beside our programs, and the host's own.
inline std::vector<std::string> kernel_roots(const std::string& libexec) {
  return {libexec + "/guest-kernel", ""};
}

// The newest kernel beneath one of `roots` (each with boot/ and lib/modules/, as a package of the
// distribution unpacks), in their order: one that has volumes, else one of a cloud flavour, which
// is small, else any. kUnsupported: none has one, and what to install.
Result<KernelImage> find_kernel(const std::vector<std::string>& roots);

// Files of the modules that a machine needs, and of those they depend on, in an order in which they
// can be loaded. What is not a file is part of the kernel.
Result<std::vector<std::string>> find_modules(const KernelImage& kernel);

// What a module says it depends on, in the bytes of its file.
std::vector<std::string> dependencies_in(std::string_view module);

}  // namespace msb::isolation::microvm
