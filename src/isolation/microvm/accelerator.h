// SPDX-License-Identifier: Apache-2.0
//
// What makes a guest's code run. /dev/kvm alone proves nothing: there are hosts where it is there,
// opens, and runs no stock kernel, because it is not backed by the processor.
#pragma once

#include <string>
#include <string_view>

#include "isolation/microvm/machine.h"

namespace msb::isolation::microvm {

struct AcceleratorChoice {
  Accelerator accelerator = Accelerator::kTcg;
  std::string reason;  // why it is not KVM
};

// KVM where the processor has virtualization for it and the caller may use it, now.
AcceleratorChoice choose_accelerator();

// The model of this host's processor, which with KVM is the guests' as well.
const std::string& processor_model();

// What a choice that is not KVM costs, and why it was made.
std::string slowness_of(const AcceleratorChoice& choice);

// What /proc/cpuinfo of this text says of the first processor that a machine, once saved, relies
// on.
std::string model_of(std::string_view cpuinfo);

// Whether /proc/cpuinfo of this text has the flag vmx or svm.
bool has_virtualization(std::string_view cpuinfo);

}  // namespace msb::isolation::microvm
