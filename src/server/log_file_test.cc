// SPDX-License-Identifier: Apache-2.0
#include "server/log_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace msb::server {
namespace {

constexpr std::size_t kMaxBytes = 20;

class LogFiles : public ::testing::Test {
 protected:
  LogFile open() { return *LogFile::open(path(), kMaxBytes); }
  std::string path() const { return folder_.path() + "/log"; }
  std::string current() const { return base::read_file(path(), 1000).value(); }
  std::string old() const { return base::read_file(path() + ".old", 1000).value(); }

 private:
  base::TempDir folder_ = *base::TempDir::create();
};

TEST_F(LogFiles, GoOnWhereTheyEnded) {
  open().write("one");
  open().write("two");
  EXPECT_EQ(current(), "one\ntwo\n");
}

TEST_F(LogFiles, RotateWhenTheyAreFull) {
  LogFile log = open();
  log.write("123456789");
  log.write("123456789");  // 20 bytes: full, not over
  EXPECT_NE(::access((path() + ".old").c_str(), F_OK), 0);
  log.write("next");
  EXPECT_EQ(old(), "123456789\n123456789\n");
  EXPECT_EQ(current(), "next\n");
}

TEST_F(LogFiles, KeepOneOldOne) {
  LogFile log = open();
  for (const char* line : {"aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb", "ccccccccccccccc"}) {
    log.write(line);
  }
  EXPECT_EQ(old(), "bbbbbbbbbbbbbbb\n");
  EXPECT_EQ(current(), "ccccccccccccccc\n");
}

TEST_F(LogFiles, CountWhatWasThere) {
  open().write("123456789012345678");
  open().write("next");
  EXPECT_EQ(current(), "next\n");
}

TEST_F(LogFiles, StayBoundedWhereTheyCannotRotate) {
  LogFile log = open();
  base::make_folders(path() + ".old/in-the-way").value();
  log.write("123456789012345678");
  log.write("next");
  EXPECT_EQ(current(), "next\n");
}

}  // namespace
}  // namespace msb::server
