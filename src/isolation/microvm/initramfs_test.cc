// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/initramfs.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace msb::isolation::microvm {
namespace {

TEST(Initramfs, EveryEntryBeginsAtFourBytes) {
  CpioWriter writer;
  writer.add_folder("dev");
  writer.add_file("init", 0755, "abc");
  const std::string archive = std::move(writer).take();
  constexpr std::size_t kHeaderBytes = 110;
  EXPECT_TRUE(archive.starts_with("070701"));
  const std::size_t file = archive.find("070701", 6);
  EXPECT_EQ(file % 4, 0u);
  EXPECT_EQ(archive.substr(file + kHeaderBytes, 5), std::string("init\0", 5));
  const std::size_t content = archive.find("abc");
  EXPECT_EQ(content % 4, 0u);
  EXPECT_EQ(archive.size() % 4, 0u);
  EXPECT_TRUE(archive.contains("TRAILER!!!"));
}

TEST(Initramfs, HoldsInitAgentAndModulesInTheirOrder) {
  const auto folder = base::TempDir::create();
  const std::string first = folder->path() + "/z.ko";
  const std::string second = folder->path() + "/a.ko";
  ASSERT_TRUE(base::write_file_atomic(first, "FIRST").has_value());
  ASSERT_TRUE(base::write_file_atomic(second, "SECOND").has_value());
  const auto archive =
      make_initramfs({.init = "INIT", .agent = "AGENT", .modules = {first, second}});
  ASSERT_TRUE(archive.has_value());
  for (const char* text : {"dev/console", "INIT", "msb-agent", "AGENT", "modules/100-z.ko", "FIRST",
                           "modules/101-a.ko", "SECOND"}) {
    EXPECT_TRUE(archive->contains(text)) << text;
  }
}

TEST(Initramfs, MissingModuleIsAnError) {
  EXPECT_FALSE(make_initramfs({.init = "", .agent = "", .modules = {"/nonexistent.ko"}}));
}

}  // namespace
}  // namespace msb::isolation::microvm
