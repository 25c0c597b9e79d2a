// SPDX-License-Identifier: Apache-2.0
#include "cli/sandbox_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace msb::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(ParseMib, TakesMibAndUnits) {
  EXPECT_EQ(parse_mib("512").value(), 512);
  EXPECT_EQ(parse_mib("512m").value(), 512);
  EXPECT_EQ(parse_mib("64MiB").value(), 64);
  EXPECT_EQ(parse_mib("2G").value(), 2048);
  EXPECT_EQ(parse_mib("1000000000000").value(), 1'000'000'000'000) << "ranges are start()'s";
  EXPECT_EQ(parse_mib("-1").value(), -1);
}

TEST(ParseMib, RefusesTheRest) {
  for (const char* text :
       {"", "m", "12x", "1.5g", " 1", "0x10", "9223372036854775807g", "99999999999999999999"}) {
    const auto parsed = parse_mib(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr("is not a size")) << text;
  }
}

TEST(ParseEnvFile, SkipsCommentsAndBlankLines) {
  const auto entries = parse_env_file("# a comment\n\nA=1\r\nB=x=y # kept\n  \nC=", "f");
  ASSERT_TRUE(entries);
  EXPECT_THAT(*entries, ElementsAre("A=1", "B=x=y # kept", "C="));
}

TEST(ParseEnvFile, NamesTheLineButNotItsContent) {
  const auto entries = parse_env_file("A=1\nhunter2\n", "secrets.env");
  ASSERT_FALSE(entries);
  EXPECT_THAT(entries.error().message(), HasSubstr("secrets.env:2: not of the form KEY=VALUE"));
  EXPECT_THAT(entries.error().message(), Not(HasSubstr("hunter2")));
  EXPECT_FALSE(parse_env_file("=x\n", "f"));
}

TEST(AbsoluteVolume, ResolvesTheHostSide) {
  EXPECT_EQ(absolute_volume("./src:/src:ro", "/home/me"), "/home/me/src:/src:ro");
  EXPECT_EQ(absolute_volume("data:/data", "/home/me"), "/home/me/data:/data");
  EXPECT_EQ(absolute_volume(".:/w", "/home/me"), "/home/me:/w");
  EXPECT_EQ(absolute_volume("../x/", "/home/me"), "/home/x");
}

TEST(AbsoluteVolume, LeavesTheRestToStart) {
  EXPECT_EQ(absolute_volume("/a:/b", "/home/me"), "/a:/b");
  EXPECT_EQ(absolute_volume(":/b", "/home/me"), ":/b");
  EXPECT_EQ(absolute_volume("", "/home/me"), "");
}

TEST(Complete, LetsOptionsWinOverEnvFiles) {
  SandboxFlags flags;
  flags.config.envs = {"A=given"};
  ASSERT_TRUE(flags.complete());
  EXPECT_THAT(flags.config.envs, ElementsAre("A=given"));
  flags.env_files = {"/nonexistent/env"};
  const auto completed = flags.complete();
  ASSERT_FALSE(completed);
  EXPECT_THAT(completed.error().message(), HasSubstr("/nonexistent/env"));
}

}  // namespace
}  // namespace msb::cli
