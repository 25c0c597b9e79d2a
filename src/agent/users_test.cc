// SPDX-License-Identifier: Apache-2.0
#include "agent/users.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/file.h"

namespace msb::agent {
namespace {

class Users : public ::testing::Test {
 protected:
  void SetUp() override {
    write("passwd",
          "root:x:0:0:root:/root:/bin/sh\n"
          "broken:line\n"
          "huge:x:99999999999:1::/:\n"
          "python-user:x:1000:1000::/home/python-user:/bin/bash\n"
          "12:x:2000:2000:named like a number:/n:/bin/sh\n"
          "nohome:x:1001:50:::\n"
          "last:x:1002:1002::/last:/bin/sh");
    write("group",
          "root:x:0:\nadm:x:4:python-user,other\nstaff:x:50:other,python-user\n"
          "near:x:51:python-user2\nbad:x:y:python-user\n");
  }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(base::write_file_atomic(etc_.path() + "/" + name, text));
  }
  Identity find(std::string_view user) {
    auto identity = find_identity(user, etc_.path());
    EXPECT_TRUE(identity) << user << ": " << identity.error().message();
    return identity.value_or(Identity{.uid = 4242});
  }

  base::TempDir etc_ = base::TempDir::create().value();
};

TEST_F(Users, NobodyNamedIsRoot) {
  EXPECT_EQ(find("").uid, 0u);
  EXPECT_EQ(find("").home, "/root");
}

TEST_F(Users, FindsANameWithItsGroups) {
  const Identity identity = find("python-user");
  EXPECT_EQ(identity.uid, 1000u);
  EXPECT_EQ(identity.gid, 1000u);
  EXPECT_EQ(identity.groups, (std::vector<gid_t>{4, 50}));
  EXPECT_EQ(identity.home, "/home/python-user");
}

TEST_F(Users, FindsANumberLikeItsName) {
  EXPECT_EQ(find("1000").groups, (std::vector<gid_t>{4, 50}));
  EXPECT_EQ(find("1000").home, "/home/python-user");
}

TEST_F(Users, ANameGoesBeforeANumber) {
  EXPECT_EQ(find("12").uid, 2000u);
}

TEST_F(Users, ANumberNeedsNoEntry) {
  const Identity identity = find("777");
  EXPECT_EQ(identity.uid, 777u);
  EXPECT_EQ(identity.gid, 0u);
  EXPECT_EQ(identity.home, "/");
}

TEST_F(Users, AnExplicitGroupReplacesTheOthers) {
  EXPECT_EQ(find("python-user:staff").gid, 50u);
  EXPECT_TRUE(find("python-user:staff").groups.empty());
  EXPECT_EQ(find("777:888").gid, 888u);
  EXPECT_EQ(find(":5").gid, 5u);
}

TEST_F(Users, AnEmptyHomeIsTheRoot) {
  EXPECT_EQ(find("nohome").home, "/");
}

TEST_F(Users, TheLastLineNeedsNoNewline) {
  EXPECT_EQ(find("last").uid, 1002u);
}

TEST_F(Users, SaysWhoIsUnknown) {
  for (const char* user : {"nobody-here", "-1", "4294967295", "99999999999", "1000x", "broken"}) {
    const auto identity = find_identity(user, etc_.path());
    ASSERT_FALSE(identity) << user;
    EXPECT_EQ(identity.error().code(), ErrorCode::kInvalidArgument);
  }
  const auto group = find_identity("root:nogroup", etc_.path());
  ASSERT_FALSE(group);
  EXPECT_EQ(group.error().message(), "group 'nogroup': not in the sandbox's /etc/group");
}

TEST_F(Users, WorksWithoutTheFiles) {
  EXPECT_EQ(find_identity("root", "/nonexistent").value().uid, 0u);
  EXPECT_EQ(find_identity("5:6", "/nonexistent").value().gid, 6u);
}

TEST_F(Users, IgnoresAFileBeyondTheBound) {
  write("passwd", "big:x:1:1::/:\n" + std::string(kMaxAccountFileBytes, '#'));
  EXPECT_FALSE(find_identity("big", etc_.path()));
  EXPECT_EQ(find("0").uid, 0u);
}

TEST_F(Users, BoundsTheGroups) {
  std::string text;
  for (std::size_t i = 0; i < kMaxGroups + 10; ++i) {
    text += "g" + std::to_string(i) + ":x:" + std::to_string(i) + ":python-user\n";
  }
  write("group", text);
  EXPECT_EQ(find("python-user").groups.size(), kMaxGroups);
}

}  // namespace
}  // namespace msb::agent
