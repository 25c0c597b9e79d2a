// SPDX-License-Identifier: Apache-2.0
#include "agent/environment.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace msb::agent {
namespace {

using Strings = std::vector<std::string>;

TEST(Environment, LaterEntriesWinAndKeepTheirPlace) {
  Environment environment({"A=1", "B=2", "A=3"});
  environment.merge({"B=", "C=x=y"});
  EXPECT_EQ(environment.entries(), (Strings{"A=3", "B=", "C=x=y"}));
}

TEST(Environment, ADefaultChangesNothingThatIsThere) {
  Environment environment({"HOME="});
  environment.set_default("HOME", "/root");
  environment.set_default("PATH", "/bin");
  EXPECT_EQ(environment.entries(), (Strings{"HOME=", "PATH=/bin"}));
}

TEST(Environment, FindsWholeKeysOnly) {
  const Environment environment({"PATHX=1", "PAT=2"});
  EXPECT_EQ(environment.get("PATH"), nullptr);
  EXPECT_STREQ(environment.get("PAT"), "2");
}

TEST(Environment, IgnoresWhatHasNoKey) {
  EXPECT_TRUE(Environment({"novalue", "=x", ""}).entries().empty());
}

TEST(ExecutableCandidates, FollowThePath) {
  EXPECT_EQ(executable_candidates("x", "/a:/b"), (Strings{"/a/x", "/b/x"}));
  EXPECT_EQ(executable_candidates("x", ":/b:"), (Strings{"./x", "/b/x", "./x"}));
  EXPECT_EQ(executable_candidates("x", ""), (Strings{"./x"}));
}

TEST(ExecutableCandidates, ASlashMeansNoSearch) {
  EXPECT_EQ(executable_candidates("./x", "/a"), (Strings{"./x"}));
}

}  // namespace
}  // namespace msb::agent
