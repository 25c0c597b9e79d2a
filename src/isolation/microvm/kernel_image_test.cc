// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/kernel_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace msb::isolation::microvm {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string module_text(const std::string& depends) {
  return std::string(
             "\x7f"
             "ELF\0license=GPL\0depends=",
             25) +
         depends + std::string("\0name=x\0", 8);
}

class KernelImageTest : public ::testing::Test {
 protected:
  void add_kernel(const std::string& version) {
    ASSERT_TRUE(base::make_folders(root() + "/boot").has_value());
    ASSERT_TRUE(base::make_folders(modules(version)).has_value());
    ASSERT_TRUE(base::write_file_atomic(root() + "/boot/vmlinuz-" + version, "kernel").has_value());
  }
  void add_module(const std::string& version, const std::string& name, const std::string& depends) {
    ASSERT_TRUE(base::write_file_atomic(modules(version) + "/" + name + ".ko", module_text(depends))
                    .has_value());
  }
  const std::string& root() const { return folder_->path(); }
  std::string modules(const std::string& version) const {
    return root() + "/lib/modules/" + version;
  }

  Result<base::TempDir> folder_ = base::TempDir::create();
};

TEST_F(KernelImageTest, NewestCloudKernelIsTaken) {
  add_kernel("6.12.0-1-amd64");
  add_kernel("6.1.0-9-cloud-amd64");
  add_kernel("6.1.0-10-cloud-amd64");
  EXPECT_EQ(find_kernel({"/nonexistent", root()})->version, "6.1.0-10-cloud-amd64");
}

TEST_F(KernelImageTest, OneThatHasVolumesIsTakenBeforeAll) {
  add_kernel("6.1.0-10-cloud-amd64");
  add_kernel("6.1.0-9-amd64");
  EXPECT_FALSE(find_kernel({root()})->has_volumes);
  ASSERT_TRUE(base::make_folders(modules("6.1.0-9-amd64") + "/kernel/fs/9p").has_value());
  ASSERT_TRUE(base::write_file_atomic(modules("6.1.0-9-amd64") + "/kernel/fs/9p/9p.ko", "module")
                  .has_value());
  const auto found = find_kernel({root()});
  EXPECT_EQ(found->version, "6.1.0-9-amd64");
  EXPECT_TRUE(found->has_volumes);
}

TEST_F(KernelImageTest, WhatItUnpacksToIsTakenIfItIsThere) {
  add_kernel("6.1.0-9-amd64");
  EXPECT_THAT(find_kernel({root()})->path, EndsWith("/boot/vmlinuz-6.1.0-9-amd64"));
  const std::string unpacked = root() + "/boot/vmlinux-6.1.0-9-amd64";
  ASSERT_TRUE(base::write_file_atomic(unpacked, "unpacked").has_value());
  const auto found = find_kernel({root()});
  EXPECT_EQ(found->path, unpacked);
  EXPECT_EQ(found->version, "6.1.0-9-amd64");
}

TEST_F(KernelImageTest, UnpackedKernelOfAnotherVersionIsNone) {
  add_kernel("6.1.0-9-amd64");
  ASSERT_TRUE(
      base::write_file_atomic(root() + "/boot/vmlinux-6.1.0-10-amd64", "another").has_value());
  EXPECT_THAT(find_kernel({root()})->path, EndsWith("/boot/vmlinuz-6.1.0-9-amd64"));
}

TEST_F(KernelImageTest, KernelWithoutModulesIsNone) {
  add_kernel("6.1.0-9-cloud-amd64");
  ASSERT_TRUE(base::remove_tree(modules("6.1.0-9-cloud-amd64")).has_value());
  const auto found = find_kernel({root()});
  ASSERT_FALSE(found.has_value());
  EXPECT_TRUE(found.error().is(ErrorCode::kUnsupported));
  EXPECT_THAT(found.error().message(), HasSubstr("install linux-image-amd64"));
}

TEST_F(KernelImageTest, ModulesComeAfterWhatTheyDependOn) {
  add_kernel("1");
  add_module("1", "erofs", "libcrc32c");
  add_module("1", "libcrc32c", "");
  add_module("1", "virtio_blk", "virtio,virtio_ring");
  add_module("1", "virtio", "virtio_ring");
  add_module("1", "virtio-ring", "");
  add_module("1", "unrelated", "");
  const auto found = find_modules(*find_kernel({root()}));
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(*found, ElementsAre(EndsWith("/virtio-ring.ko"), EndsWith("/virtio.ko"),
                                  EndsWith("/virtio_blk.ko"), EndsWith("/libcrc32c.ko"),
                                  EndsWith("/erofs.ko")));
}

TEST(KernelModule, SaysWhatItDependsOn) {
  EXPECT_THAT(dependencies_in(module_text("a,b")), ElementsAre("a", "b"));
  EXPECT_THAT(dependencies_in(module_text("")), IsEmpty());
  EXPECT_THAT(dependencies_in("no module"), IsEmpty());
}

}  // namespace
}  // namespace msb::isolation::microvm
