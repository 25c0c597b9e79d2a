// SPDX-License-Identifier: Apache-2.0
#include "agent/repl/adoption.h"

#include <gtest/gtest.h>

namespace msb::agent::repl {
namespace {

const LanguageSpec& python() {
  return spec_of(wire::Language::kPython);
}
const LanguageSpec& node() {
  return spec_of(wire::Language::kNode);
}

Settings with(const std::vector<std::string>& env, const std::string& workdir = "/") {
  return {.env = Environment(env), .workdir = workdir, .groups = {}};
}

TEST(Adoption, OfTheSameSettingsIsNothing) {
  const Settings settings = with({"PATH=/bin", "A=1"}, "/srv");
  EXPECT_EQ(adoption_of(python(), settings, settings), Adoption::kNothingToDo);
  EXPECT_EQ(adoption_of(python(), with({"B=2", "A=1"}), with({"A=1", "B=2"})),
            Adoption::kNothingToDo);
}

TEST(Adoption, TellsWhatARunningInterpreterCanTakeOver) {
  EXPECT_EQ(adoption_of(python(), with({"A=1"}), with({"A=2", "B=3"})), Adoption::kTell);
  EXPECT_EQ(adoption_of(python(), with({"A=1"}), with({})), Adoption::kTell);
  EXPECT_EQ(adoption_of(python(), with({}), with({}, "/srv")), Adoption::kTell);
  EXPECT_EQ(adoption_of(node(), with({"A=1"}), with({"A=2"})), Adoption::kTell);
}

TEST(Adoption, StartsAnewForWhatIsReadAtTheStart) {
  for (const char* variable : {"PYTHONPATH=/x", "PYTHONHASHSEED=1", "LD_PRELOAD=/x.so", "TZ=UTC",
                               "LC_ALL=C", "HOME=/x", "PATH=/x", "NODE_OPTIONS=--no-warnings"}) {
    EXPECT_EQ(adoption_of(python(), with({}), with({variable})), Adoption::kStartAnew) << variable;
    EXPECT_EQ(adoption_of(python(), with({variable}), with({})), Adoption::kStartAnew) << variable;
  }
}

TEST(Adoption, StartsNodeAnewInAnotherFolder) {
  EXPECT_EQ(adoption_of(node(), with({}), with({}, "/srv")), Adoption::kStartAnew);
}

TEST(Adoption, StartsAnewForAnotherUser) {
  Settings user = with({});
  user.uid = 1000;
  EXPECT_EQ(adoption_of(python(), with({}), user), Adoption::kStartAnew);
}

TEST(Adoption, LeavesBytesThatAreNotAsciiToExec) {
  EXPECT_EQ(adoption_of(node(), with({}), with({"A=\xff"})), Adoption::kStartAnew);
}

TEST(Adoption, WritesFolderAndVariablesEachWithAnEnd) {
  EXPECT_EQ(driver_text_of(with({"A=1", "B="}, "/srv")), std::string("/srv\0A=1\0B=\0", 12));
}

}  // namespace
}  // namespace msb::agent::repl
