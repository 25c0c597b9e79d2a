// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "contract.h"

namespace msb::contract {
namespace {

class Volumes : public ::testing::Test {
 protected:
  std::string host() const { return folder_.path(); }

  static PythonSandbox started(const std::string& volume, const std::string& user = {}) {
    PythonSandbox sandbox;
    StartConfig config;
    config.user = user;
    config.volumes = {volume};
    const auto started = sandbox.start(config);
    EXPECT_TRUE(started) << why(started);
    return sandbox;
  }

  std::string shell(PythonSandbox& sandbox, const std::string& script) {
    const auto run = sandbox.command().run("sh", {"-c", script});
    EXPECT_TRUE(run) << why(run);
    return run ? run->output() + run->error() : "?";
  }

  base::TempDir folder_ = *base::TempDir::create();
};

TEST_F(Volumes, FilesPassBothWaysWithTheRightOwners) {
  ASSERT_TRUE(base::write_file_atomic(host() + "/in", "from outside"));
  PythonSandbox sandbox = started(host() + ":/data");
  EXPECT_EQ(shell(sandbox, "cat /data/in"), "from outside");
  // The host owner's files are the sandbox user's own, and the other way round.
  const auto owner_of = [&](const std::string& path) {
    return shell(sandbox, "python3 -c \"import os; print(os.stat('" + path + "').st_uid)\"");
  };
  EXPECT_EQ(owner_of("/data/in"), "1000");
  EXPECT_EQ(shell(sandbox, "echo from inside > /data/out"), "");
  EXPECT_EQ(owner_of("/data/out"), "1000");
  EXPECT_EQ(*base::read_file(host() + "/out", 100), "from inside\n");
  struct stat status{};
  ASSERT_EQ(::stat((host() + "/out").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, ::geteuid());
}

TEST_F(Volumes, ReadOnlyIsReadOnlyForRootToo) {
  ASSERT_TRUE(base::write_file_atomic(host() + "/in", "x"));
  PythonSandbox sandbox = started(host() + ":/data:ro", "root");
  EXPECT_EQ(shell(sandbox, "cat /data/in"), "x");
  EXPECT_NE(shell(sandbox, "echo y > /data/in").find("Read-only file system"), std::string::npos);
  EXPECT_NE(shell(sandbox, "rm /data/in").find("Read-only file system"), std::string::npos);
  EXPECT_EQ(*base::read_file(host() + "/in", 10), "x");
}

TEST_F(Volumes, AFileCanBeAVolume) {
  ASSERT_TRUE(base::write_file_atomic(host() + "/one", "just this"));
  PythonSandbox sandbox = started(host() + "/one:/etc/one.conf:ro");
  EXPECT_EQ(shell(sandbox, "cat /etc/one.conf"), "just this");
}

TEST_F(Volumes, ALinkInAVolumeDoesNotLeadOut) {
  ASSERT_EQ(::symlink("/etc/hostname", (host() + "/link").c_str()), 0);
  PythonSandbox sandbox = started(host() + ":/data", "root");
  // It is the sandbox's own file that it names.
  EXPECT_EQ(shell(sandbox, "cmp /data/link /etc/hostname && echo same"), "same");
}

TEST_F(Volumes, ALinkThatAGuestMakesDoesNotLeadOut) {
  const std::string before = *base::read_file("/etc/passwd", 1 << 20);
  PythonSandbox sandbox = started(host() + ":/data", "root");
  EXPECT_EQ(shell(sandbox,
                  "cd /data && ln -s /etc/passwd absolute && ln -s ../../../../../etc/passwd up && "
                  "ln -s .. parent && for i in absolute up; do echo mine >> $i; done; "
                  "tail -n 1 /etc/passwd; echo parent/data/*"),
            "mine\nparent/data/absolute parent/data/parent parent/data/up");
  EXPECT_EQ(*base::read_file("/etc/passwd", 1 << 20), before);
}

TEST_F(Volumes, NoFileRunsAsItsOwnerOnTheHost) {
  PythonSandbox sandbox = started(host() + ":/data", "root");
  EXPECT_NE(shell(sandbox, "cp /bin/true /data/tool && chmod 4755 /data/tool || echo refused"), "");
  struct stat status{};
  ASSERT_EQ(::stat((host() + "/tool").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & (S_ISUID | S_ISGID), 0u);
}

TEST_F(Volumes, WhatTheHostChangesIsSeenInside) {
  PythonSandbox sandbox = started(host() + ":/data");
  ASSERT_TRUE(base::write_file_atomic(host() + "/file", "one"));
  EXPECT_EQ(shell(sandbox, "cat /data/file"), "one");
  ASSERT_TRUE(base::write_file_atomic(host() + "/file", "two, longer"));
  EXPECT_EQ(shell(sandbox, "cat /data/file"), "two, longer");
  // Mapped memory is the file, too.
  EXPECT_EQ(shell(sandbox,
                  "python3 -c \"import mmap\n"
                  "with open('/data/file', 'r+b') as file, mmap.mmap(file.fileno(), 0) as memory:\n"
                  "    memory[:3] = b'six'\n"
                  "    memory.flush()\""),
            "");
  EXPECT_EQ(*base::read_file(host() + "/file", 100), "six, longer");
}

TEST_F(Volumes, OutliveTheSandbox) {
  {
    PythonSandbox sandbox;
    StartConfig config;
    config.volumes = {host() + ":/data"};
    ASSERT_TRUE(sandbox.start(config));
    EXPECT_EQ(shell(sandbox, "mkdir /data/sub && echo kept > /data/sub/file"), "");
  }
  EXPECT_EQ(*base::read_file(host() + "/sub/file", 100), "kept\n");
}

}  // namespace
}  // namespace msb::contract
