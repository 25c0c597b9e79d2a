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

TEST(Accelerator, AModelIsWhatASavedMachineReliesOn) {
  const std::string first =
      "processor\t: 0\nvendor_id\t: A\ncpu family\t: 6\nmodel\t\t: 9\nmodel name\t: X\n"
      "cpu MHz\t\t: 2100.5\nflags\t\t: fpu vmx\n";
  const std::string model = "vendor_id\t: A\ncpu family\t: 6\nmodel\t\t: 9\nflags\t\t: fpu vmx\n";
  EXPECT_EQ(model_of(first + "\nprocessor\t: 1\nvendor_id\t: B\n"), model);
  EXPECT_EQ(model_of(first), model);
  EXPECT_EQ(model_of(""), "");
  EXPECT_EQ(model_of("vendor_id\t: cut"), "vendor_id\t: cut\n");
}

TEST(Accelerator, WithoutKvmThereIsAReason) {
  const AcceleratorChoice choice = choose_accelerator();
  EXPECT_EQ(choice.accelerator == Accelerator::kKvm, choice.reason.empty());
}

}  // namespace
}  // namespace msb::isolation::microvm
