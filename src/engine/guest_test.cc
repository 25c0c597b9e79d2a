// SPDX-License-Identifier: Apache-2.0
//
// What the engine knows of the inside of a sandbox before it runs.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>

#include "base/file.h"
#include "engine/guest_environment.h"
#include "engine/guest_path.h"
#include "engine/guest_user.h"

namespace msb::engine {
namespace {

class GuestUserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& layer : layers_) {
      ASSERT_TRUE(base::make_folders(layer + "/etc"));
    }
    write(0, "passwd",
          "root:x:0:0::/root:/bin/sh\nweb:x:1000:100::/home/web:/bin/sh\nbroken\n:::\n");
    write(0, "group", "root:x:0:\nstaff:x:50:web\n");
  }
  void write(std::size_t layer, const std::string& file, const std::string& text) {
    ASSERT_TRUE(base::write_file_atomic(layers_[layer] + "/etc/" + file, text));
  }

  base::TempDir folder_ = *base::TempDir::create();
  const std::vector<std::string> layers_ = {folder_.path() + "/0", folder_.path() + "/1"};
};

TEST_F(GuestUserTest, FindsNamesNumbersAndGroups) {
  const auto user = [&](const std::string& text) {
    const auto found = find_guest_user(text, layers_);
    EXPECT_TRUE(found) << text << ": " << found.error().message();
    return found ? std::pair(found->uid, found->gid) : std::pair(9u, 9u);
  };
  EXPECT_EQ(user(""), std::pair(0u, 0u));
  EXPECT_EQ(user("web"), std::pair(1000u, 100u));
  EXPECT_EQ(user("1000"), std::pair(1000u, 100u));
  EXPECT_EQ(user("4711"), std::pair(4711u, 0u));
  EXPECT_EQ(user("web:staff"), std::pair(1000u, 50u));
  EXPECT_EQ(user("4711:7"), std::pair(4711u, 7u));
}

TEST_F(GuestUserTest, WhoIsNotThereIsNamed) {
  const auto user = find_guest_user("ghost", layers_);
  ASSERT_FALSE(user);
  EXPECT_EQ(user.error().message(), "user 'ghost': the image has no user 'ghost'");
  const auto group = find_guest_user("web:ghosts", layers_);
  ASSERT_FALSE(group);
  EXPECT_EQ(group.error().message(), "user 'web:ghosts': the image has no group 'ghosts'");
}

TEST_F(GuestUserTest, TheHigherLayersFileCounts) {
  write(1, "passwd", "web:x:2000:200::/:/bin/sh\n");
  EXPECT_EQ(find_guest_user("web", layers_)->uid, 2000u);
}

TEST_F(GuestUserTest, AWhiteoutHidesTheFileBelow) {
  if (::mknod((layers_[1] + "/etc/passwd").c_str(), S_IFCHR, makedev(0, 0)) != 0) {
    GTEST_SKIP() << "making a whiteout needs root";
  }
  EXPECT_FALSE(find_guest_user("web", layers_));
}

TEST_F(GuestUserTest, LinksNeverLeadOutOfTheLayer) {
  const std::string outside = folder_.path() + "/outside";
  ASSERT_TRUE(base::write_file_atomic(outside, "web:x:6666:6666::/:/bin/sh\n"));
  ASSERT_EQ(::symlink(outside.c_str(), (layers_[1] + "/etc/passwd").c_str()), 0);
  const auto found = find_guest_user("web", layers_);
  EXPECT_TRUE(!found || found->uid != 6666u);
  ASSERT_EQ(::unlink((layers_[1] + "/etc/passwd").c_str()), 0);
  ASSERT_EQ(::symlink("../../outside", (layers_[1] + "/etc/passwd").c_str()), 0);
  const auto again = find_guest_user("web", layers_);
  EXPECT_TRUE(!again || again->uid != 6666u);
}

TEST_F(GuestUserTest, APipeOrAHugeFileDoesNotHoldUpTheHost) {
  ASSERT_EQ(::mkfifo((layers_[1] + "/etc/passwd").c_str(), 0600), 0);
  EXPECT_FALSE(find_guest_user("web", layers_));
  ASSERT_EQ(::unlink((layers_[1] + "/etc/passwd").c_str()), 0);
  write(1, "passwd", std::string(2 * 1024 * 1024, 'x'));
  EXPECT_FALSE(find_guest_user("web", layers_));
}

TEST(GuestEnvironment, TheLaterVariableWinsAndScriptsAreOnThePath) {
  EXPECT_EQ(assemble_env({"A=image", "PATH=/bin", "B=1"}, {"A=mine", "C="}),
            (std::vector<std::string>{"PATH=/bin:/.sandbox/scripts", "A=mine", "B=1", "C="}));
  EXPECT_EQ(assemble_env({}, {"PATH=/mine"}).front(), "PATH=/mine:/.sandbox/scripts");
  EXPECT_TRUE(assemble_env({}, {}).front().starts_with("PATH=/usr/local/sbin:"));
}

TEST(GuestEnvironment, AScriptIsRunByItsOwnLineElseByTheShell) {
  const auto files = script_files({{"a", "#!/usr/bin/python3\n"}, {"b", "echo"}}, "");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].content, "#!/usr/bin/python3\n");
  EXPECT_EQ(files[1].path, "/.sandbox/scripts/b");
  EXPECT_EQ(files[1].content, "#!/bin/sh\necho");
  EXPECT_EQ(files[1].mode, 0755u);
  EXPECT_EQ(script_files({{"a", ""}}, "bash").front().content, "#!/usr/bin/env bash\n");
  EXPECT_EQ(script_files({{"a", ""}}, "/bin/zsh").front().content, "#!/bin/zsh\n");
}

TEST(GuestPath, IsBroughtIntoOneForm) {
  EXPECT_EQ(normalize_guest_path("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(normalize_guest_path("//"), "/");
  EXPECT_EQ(normalize_guest_path("/a/../b"), std::nullopt);
  EXPECT_EQ(normalize_guest_path("a"), std::nullopt);
  EXPECT_EQ(normalize_guest_path(""), std::nullopt);
  EXPECT_EQ(normalize_guest_path("/" + std::string(5000, 'a')), std::nullopt);
  EXPECT_TRUE(is_beneath("/a/b", "/a"));
  EXPECT_FALSE(is_beneath("/ab", "/a"));
  EXPECT_TRUE(is_reserved_guest_path("/proc/sys"));
  EXPECT_FALSE(is_reserved_guest_path("/procfile"));
}

}  // namespace
}  // namespace msb::engine
