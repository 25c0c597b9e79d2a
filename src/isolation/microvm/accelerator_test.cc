// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/accelerator.h"

#include <gtest/gtest.h>

namespace msb::isolation::microvm {
namespace {

TEST(Accelerator, VirtualizationIsAWordAmongTheFlags) {
  EXPECT_TRUE(has_virtualization("processor\t: 0\nflags\t\t: fpu vmx sse\n"));
  EXPECT_TRUE(has_virtualization("processor\t: 0\nflags\t\t: fpu svm\nbugs\t: x\n"));
  EXPECT_FALSE(has_virtualization("processor\t: 0\nflags\t\t: fpu vmxnet svm_lock sse\n"));
  EXPECT_FALSE(has_virtualization("processor\t: 0\nflags\t\t: fpu\nmodel name\t: vmx \n"));
  EXPECT_FALSE(has_virtualization(""));
}

TEST(Accelerator, WithoutKvmThereIsAReason) {
  const AcceleratorChoice choice = choose_accelerator();
  EXPECT_EQ(choice.accelerator == Accelerator::kKvm, choice.reason.empty());
}

}  // namespace
}  // namespace msb::isolation::microvm
