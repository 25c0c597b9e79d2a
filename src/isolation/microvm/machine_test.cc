// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "isolation/microvm/settings.h"

namespace msb::isolation::microvm {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Machine, HasNoNetworkNoDefaultsAndASandboxedQemu) {
  const auto argv = qemu_arguments({});
  EXPECT_THAT(argv, AllOf(Contains("-nodefaults"), Contains("-no-user-config"),
                          Contains(HasSubstr("spawn=deny")), Not(Contains("-netdev")),
                          Not(Contains(HasSubstr("virtio-net")))));
}

TEST(Machine, ImageIsReadOnlyAndTheDiskIsNot) {
  const auto argv = qemu_arguments({});
  EXPECT_THAT(argv, Contains(AllOf(HasSubstr("node-name=image"), HasSubstr("read-only=on"))));
  EXPECT_THAT(argv, Contains(AllOf(HasSubstr("node-name=disk"), HasSubstr("read-only=off"))));
}

TEST(Machine, ACloneHasItsTemplatesMemory) {
  EXPECT_THAT(qemu_arguments({.memory = Memory::kOwn}),
              AllOf(Contains(HasSubstr("mem-path=/proc/self/fd/11")), Not(Contains("-incoming"))));
  EXPECT_THAT(qemu_arguments({.memory = Memory::kClone}),
              AllOf(Contains(HasSubstr("mem-path=/memory")), Contains("-incoming")));
}

TEST(Machine, ACloneGetsNoKernel) {
  EXPECT_THAT(qemu_arguments({}), AllOf(Contains("-kernel"), Contains("-initrd")));
  EXPECT_THAT(qemu_arguments({.memory = Memory::kClone}),
              AllOf(Not(Contains("-kernel")), Not(Contains("-initrd"))));
}

TEST(Settings, SurviveTheCommandLine) {
  const Settings sent{.machine = {.accelerator = Accelerator::kKvm,
                                  .memory = Memory::kClone,
                                  .memory_mib = 576,
                                  .processors = 2},
                      .hostname = "box",
                      .limits = {.memory_bytes = 512 << 20,
                                 .cpus = 1.5,
                                 .max_processes = 64,
                                 .disk_bytes = 1ull << 33},
                      .volumes = {{"/data", true, false}, {"/etc/one:two", false, true}},
                      .weaknesses = {"a = b", "c"}};
  const std::vector<std::string> words = to_words(sent);
  const auto got = settings_of({words.begin(), words.end()});
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->machine.accelerator, Accelerator::kKvm);
  EXPECT_EQ(got->machine.memory, Memory::kClone);
  EXPECT_EQ(got->machine.memory_mib, 576u);
  EXPECT_EQ(got->machine.processors, 2u);
  EXPECT_EQ(got->hostname, "box");
  EXPECT_EQ(got->limits.cpus, 1.5);
  EXPECT_EQ(got->limits.disk_bytes, 1ull << 33);
  EXPECT_EQ(got->weaknesses, sent.weaknesses);
  ASSERT_EQ(got->volumes.size(), 2u);
  EXPECT_EQ(got->volumes[0].guest_path, "/data");
  EXPECT_TRUE(got->volumes[0].is_folder);
  EXPECT_FALSE(got->volumes[0].read_only);
  EXPECT_EQ(got->volumes[1].guest_path, "/etc/one:two");
  EXPECT_FALSE(got->volumes[1].is_folder);
  EXPECT_TRUE(got->volumes[1].read_only);
}

TEST(Settings, UnknownWordsAreRefused) {
  for (const char* word : {"x=1", "accelerator=xen", "memory_mib=-1", "hostname",
                           "volume=folder:rw:data", "volume=file:/data"}) {
    const auto got = settings_of({word});
    ASSERT_FALSE(got.has_value()) << word;
    EXPECT_THAT(got.error().message(), HasSubstr(word));
  }
}

}  // namespace
}  // namespace msb::isolation::microvm
