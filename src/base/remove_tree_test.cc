// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "base/file.h"
#include "base/sys.h"

namespace msb::base {
namespace {

namespace fs = std::filesystem;

// What `body` answers in a process of an ordinary user, who owns the folder that it is given.
std::string as_ordinary_user(const std::function<std::string(const std::string&)>& body) {
  constexpr uid_t kUser = 65534;
  const TempDir folder = *TempDir::create();
  sys::Pipe answer = *sys::pipe();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 &&
        (::chown(folder.path().c_str(), kUser, kUser) < 0 || ::setgroups(0, nullptr) < 0 ||
         ::setresgid(kUser, kUser, kUser) < 0 || ::setresuid(kUser, kUser, kUser) < 0)) {
      ::_exit(1);
    }
    [[maybe_unused]] const auto sent = write_all(answer.write_end.get(), body(folder.path()));
    ::_exit(0);
  }
  answer.write_end.reset();
  const auto text = read_all(answer.read_end.get(), 4096);
  ::waitpid(child, nullptr, 0);
  return text ? *text : text.error().message();
}

std::string outcome(const Result<>& removed, const std::string& path) {
  if (!removed) {
    return removed.error().message();
  }
  return ::access(path.c_str(), F_OK) == 0 ? "still there" : "gone";
}

TEST(RemoveTree, DoesNotFollowSymlinks) {
  const TempDir outside = *TempDir::create();
  ASSERT_TRUE(write_file_atomic(outside.path() + "/keep", "x"));
  const TempDir folder = *TempDir::create();
  const std::string tree = folder.path() + "/tree";
  ASSERT_TRUE(make_folders(tree));
  ASSERT_EQ(::symlink(outside.path().c_str(), (tree + "/link").c_str()), 0);
  EXPECT_EQ(outcome(remove_tree(tree), tree), "gone");
  EXPECT_TRUE(fs::exists(outside.path() + "/keep"));
}

TEST(RemoveTree, RemovesAFileOrALinkAndMissesNothing) {
  const TempDir folder = *TempDir::create();
  const std::string path = folder.path() + "/x";
  EXPECT_TRUE(remove_tree(path));
  EXPECT_TRUE(remove_tree(path + "/beneath"));
  ASSERT_TRUE(write_file_atomic(path, "x"));
  EXPECT_EQ(outcome(remove_tree(path), path), "gone");
  ASSERT_EQ(::symlink(folder.path().c_str(), path.c_str()), 0);
  EXPECT_EQ(outcome(remove_tree(path), path), "gone");
  EXPECT_TRUE(fs::exists(folder.path()));
}

TEST(RemoveTree, OpensFoldersThatLetTheirOwnerIn) {
  for (const mode_t mode : {0000U, 0100U, 0200U, 0300U, 0400U, 0500U, 0600U}) {
    EXPECT_EQ(as_ordinary_user([mode](const std::string& folder) {
                const std::string tree = folder + "/tree";
                for (const char* path : {"/work/work/inner", "/empty", "/outer/empty"}) {
                  if (!make_folders(tree + path)) {
                    return std::string("no folders");
                  }
                }
                if (!write_file_atomic(tree + "/work/work/file", "x")) {
                  return std::string("no file");
                }
                for (const char* path :
                     {"/work/work/inner", "/work/work", "/empty", "/outer/empty", "/outer", ""}) {
                  if (::chmod((tree + path).c_str(), mode) < 0) {
                    return std::string("no mode");
                  }
                }
                return outcome(remove_tree(tree), tree);
              }),
              "gone")
        << std::oct << mode;
  }
}

TEST(RemoveTree, SaysWhyAnothersFolderStays) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root, to have something of another's";
  }
  const TempDir other = *TempDir::create();
  ASSERT_TRUE(make_folders(other.path() + "/x/y"));
  ASSERT_EQ(::chmod(other.path().c_str(), 0777), 0);
  EXPECT_EQ(as_ordinary_user([&](const std::string&) {
              return outcome(remove_tree(other.path() + "/x"), other.path() + "/x");
            }),
            "rmdir(" + other.path() + "/x): Permission denied");
}

// Deeper than a path can be long, and than this process may have files open.
TEST(RemoveTree, NeedsNoMoreDescriptorsForADeeperTree) {
  EXPECT_EQ(as_ordinary_user([](const std::string& folder) {
              const std::string tree = folder + "/tree";
              if (!make_folders(tree + "/deep-0/taken")) {
                return std::string("no folders");
              }
              UniqueFd at = *sys::open(tree, O_PATH | O_DIRECTORY);
              for (int depth = 0; depth < 3000; ++depth) {
                if (!sys::mkdirat(at.get(), "down", 0700)) {
                  return std::string("not so deep");
                }
                UniqueFd next = *sys::openat(at.get(), "down", O_PATH | O_DIRECTORY);
                if (depth % 7 == 0) {
                  static_cast<void>(sys::openat(next.get(), "file", O_CREAT | O_WRONLY, 0600));
                }
                at = std::move(next);
              }
              at.reset();
              const rlimit few{100, 100};
              ::setrlimit(RLIMIT_NOFILE, &few);
              return outcome(remove_tree(tree), tree);
            }),
            "gone");
}

}  // namespace
}  // namespace msb::base
