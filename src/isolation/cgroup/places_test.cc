// SPDX-License-Identifier: Apache-2.0
#include "isolation/cgroup/places.h"

#include <gtest/gtest.h>

namespace msb::isolation::cgroup {
namespace {

TEST(Places, FindsTheOneTreeOfVersion2) {
  const Places places = find_places(
      "0::/user.slice/user-0.slice/session-1.scope\n",
      "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
      "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  ASSERT_TRUE(places.v2.has_value());
  EXPECT_EQ(places.v2->mount_point, "/sys/fs/cgroup");
  EXPECT_EQ(places.v2->folder, "/sys/fs/cgroup/user.slice/user-0.slice/session-1.scope");
  EXPECT_TRUE(places.v1.empty());
}

TEST(Places, FindsEachHierarchyOfVersion1) {
  const Places places =
      find_places("4:memory:/jobs/a\n3:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n",
                  "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                  "36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                  "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  ASSERT_TRUE(places.v1.contains("memory"));
  EXPECT_EQ(places.v1.find("memory")->second.folder, "/sys/fs/cgroup/memory/jobs/a");
  EXPECT_EQ(places.v1.find("cpu")->second.folder, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(places.v1.find("cpuacct")->second.folder, "/sys/fs/cgroup/cpu,cpuacct");
  ASSERT_TRUE(places.v2.has_value());
  EXPECT_EQ(places.v2->folder, "/sys/fs/cgroup/unified");
}

TEST(Places, StripsWhatTheMountItselfShows) {
  // In a container without a cgroup namespace, the mount's root is the container's group.
  const Places places =
      find_places("4:memory:/docker/abc/inner\n",
                  "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  ASSERT_TRUE(places.v1.contains("memory"));
  EXPECT_EQ(places.v1.find("memory")->second.folder, "/sys/fs/cgroup/memory/inner");
}

TEST(Places, LeavesOutAMountThatDoesNotShowUs) {
  const Places places =
      find_places("4:memory:/other\n",
                  "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  EXPECT_TRUE(places.v1.empty());
}

TEST(Places, ReadsEscapedMountPoints) {
  const Places places = find_places("0::/\n", "31 23 0:28 / /mnt/c\\040g rw - cgroup2 x rw\n");
  ASSERT_TRUE(places.v2.has_value());
  EXPECT_EQ(places.v2->folder, "/mnt/c g");
}

TEST(Places, SurvivesNonsense) {
  const Places places =
      find_places("\n:\n::\nx\n9:memory\n", "\n - \n1 2 3 - cgroup\n- cgroup2 a b\n");
  EXPECT_FALSE(places.v2.has_value());
  EXPECT_TRUE(places.v1.empty());
}

}  // namespace
}  // namespace msb::isolation::cgroup
