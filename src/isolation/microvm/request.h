// SPDX-License-Identifier: Apache-2.0
//
// What a machine takes beside what any sandbox does, and what the steps that build one hand on to
// each other.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "isolation/microvm/guest_messages.h"
#include "isolation/microvm/kernel_image.h"
#include "isolation/microvm/machine.h"

namespace msb::isolation::microvm {

// What is in the folder of a machine that was saved, beside jail::kDiskImageName.
inline constexpr const char* kTemplateMemory = "memory";
inline constexpr const char* kTemplateState = "state";

struct Request {
  std::string image_digest;  // 64 hexadecimal digits: the name of the flattened image
  std::string libexec;       // folder of msb-vm and msb-guest
  Memory memory = Memory::kOwn;
  std::string template_folder;  // beneath home; of a clone

  // Of the steps.
  Accelerator accelerator = Accelerator::kTcg;
  std::vector<std::string> weaknesses;
  std::vector<GuestVolume> volumes;  // in the order of Building::volumes
  KernelImage kernel;
  std::string initramfs;
  base::UniqueFd image;
  base::UniqueFd template_fd;  // its folder
  base::UniqueFd memory_file;  // detached mount of the template's memory
  base::UniqueFd state;
  base::UniqueFd supervisor;  // msb-vm
  base::UniqueFd user_namespace;
};

}  // namespace msb::isolation::microvm
