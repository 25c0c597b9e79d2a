// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/host_needs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"

namespace msb::isolation::microvm {
namespace {

using ::testing::HasSubstr;

Finding finding(const std::vector<Finding>& all, const std::string& topic) {
  const auto found = std::ranges::find(all, topic, &Finding::topic);
  return found == all.end() ? Finding{} : *found;
}

TEST(HostNeeds, EachIsFoundOrSaysHowToGetIt) {
  for (const Finding& each : examine_host(true, "/nonexistent")) {
    EXPECT_FALSE(each.topic.empty());
    EXPECT_FALSE(each.detail.empty()) << each.topic;
    EXPECT_EQ(each.remedy.empty(), each.level == Finding::Level::kGood) << each.topic;
  }
}

TEST(HostNeeds, RootIsOne) {
  const Finding user = finding(examine_host(false, "/nonexistent"), "user");
  EXPECT_EQ(user.level, Finding::Level::kMissing);
  const auto checked = check_host(false);
  ASSERT_FALSE(checked.has_value());
  EXPECT_TRUE(checked.error().is(ErrorCode::kUnsupported));
  EXPECT_THAT(checked.error().message(), HasSubstr("not root; run as root"));
}

TEST(HostNeeds, TheKernelBesideOurProgramsIsFound) {
  const auto folder = base::TempDir::create();
  const std::string root = folder->path() + "/guest-kernel";
  ASSERT_TRUE(base::make_folders(root + "/boot").has_value());
  ASSERT_TRUE(base::make_folders(root + "/lib/modules/6.1.0-9-cloud-amd64").has_value());
  ASSERT_TRUE(
      base::write_file_atomic(root + "/boot/vmlinuz-6.1.0-9-cloud-amd64", "kernel").has_value());
  const Finding kernel = finding(examine_host(true, folder->path()), "kernel");
  EXPECT_EQ(kernel.level, Finding::Level::kWeak);
  EXPECT_THAT(kernel.detail, HasSubstr("6.1.0-9-cloud-amd64"));
  EXPECT_THAT(kernel.detail, HasSubstr("no volumes"));
}

TEST(HostNeeds, EmulationIsAWeaknessWithItsReason) {
  const Finding processor = finding(examine_host(true, "/nonexistent"), "processor");
  if (processor.level == Finding::Level::kGood) {
    GTEST_SKIP() << "this host has KVM";
  }
  EXPECT_EQ(processor.level, Finding::Level::kWeak);
  EXPECT_THAT(processor.detail, HasSubstr("/dev/kvm"));
}

}  // namespace
}  // namespace msb::isolation::microvm
