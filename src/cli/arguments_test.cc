// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/try.h"

namespace msb::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Words = std::vector<std::string>;

struct ArgumentsTest : testing::Test {
  ArgumentsTest()
      : arguments(context,
                  {.verb = "run", .usage = "IMAGE", .about = "About.", .epilogue = "End."}) {
    arguments.flag("-q,--quiet", "Quiet", quiet);
    arguments.text("-w,--workdir", "DIR", "Folder", workdir);
    arguments.list("-e,--env", "KEY=VALUE", "Variable", envs);
    arguments.value("--memory", "MIB", "Memory", [this](std::string_view text) -> Result<> {
      if (text == "bad") {
        return fail(ErrorCode::kInvalidArgument, "'bad' is not a size");
      }
      memory = text;
      return {};
    });
  }

  Words operands(const Words& words, Operands kind) {
    const auto parsed = arguments.parse(words, kind);
    EXPECT_TRUE(parsed) << parsed.error().message();
    return parsed ? parsed->value_or(Words{"help was printed"}) : Words{};
  }
  std::string error(const Words& words, Operands kind) {
    const auto parsed = arguments.parse(words, kind);
    EXPECT_FALSE(parsed);
    return parsed ? "" : parsed.error().message();
  }

  Context context;
  bool quiet = false;
  std::string workdir;
  std::string memory;
  Words envs;
  Arguments arguments;
};

TEST_F(ArgumentsTest, LeavesWhatFollowsTheFirstOperandAsItIs) {
  EXPECT_THAT(operands({"-q", "img", "sh", "-c", "--memory", "--", "-x", "", "[1, 2]"},
                       Operands::kEndOptions),
              ElementsAre("img", "sh", "-c", "--memory", "--", "-x", "", "[1, 2]"));
  EXPECT_TRUE(quiet);
  EXPECT_EQ(memory, "");
}

TEST_F(ArgumentsTest, EndsOptionsAtTheMark) {
  EXPECT_THAT(operands({"--memory", "64", "--", "img", "-q"}, Operands::kEndOptions),
              ElementsAre("img", "-q"));
  EXPECT_FALSE(quiet);
}

TEST_F(ArgumentsTest, FindsOptionsAmongOperands) {
  EXPECT_THAT(
      operands({"python", "x = [1, 2]", "-q", "[3]", "-", "--", "-q", "--x"}, Operands::kAnywhere),
      ElementsAre("python", "x = [1, 2]", "[3]", "-", "-q", "--x"));
  EXPECT_TRUE(quiet);
}

TEST_F(ArgumentsTest, TakesNegativeNumbersForOperands) {
  EXPECT_THAT(operands({"python", "-5"}, Operands::kAnywhere), ElementsAre("python", "-5"));
}

TEST_F(ArgumentsTest, TakesOneValueForEachOption) {
  EXPECT_THAT(operands({"-e", "A=1", "--env=B=[2,3]", "-e", "[4]", "-w", "/x", "-w/y", "img"},
                       Operands::kEndOptions),
              ElementsAre("img"));
  EXPECT_THAT(envs, ElementsAre("A=1", "B=[2,3]", "[4]"));
  EXPECT_EQ(workdir, "/y");
}

TEST_F(ArgumentsTest, BindsTheHomeOfEveryVerb) {
  operands({"--home", "/somewhere", "img"}, Operands::kEndOptions);
  EXPECT_EQ(context.home, "/somewhere");
}

TEST_F(ArgumentsTest, NamesTheOptionWhoseValueIsWrong) {
  EXPECT_EQ(error({"--memory", "bad", "img"}, Operands::kEndOptions),
            "--memory: 'bad' is not a size (see msb run --help)");
}

TEST_F(ArgumentsTest, SuggestsTheOptionThatWasMeant) {
  EXPECT_EQ(error({"--memroy", "64", "img"}, Operands::kEndOptions),
            "unknown option --memroy; did you mean --memory? (see msb run --help)");
  EXPECT_EQ(error({"img", "--memroy=64"}, Operands::kAnywhere),
            "unknown option --memroy; did you mean --memory? (see msb run --help)");
  EXPECT_EQ(error({"-it", "img"}, Operands::kEndOptions),
            "unknown option -it (see msb run --help)");
}

TEST_F(ArgumentsTest, SaysThatAValueIsMissingOrTooMuch) {
  EXPECT_EQ(error({"--memory"}, Operands::kEndOptions),
            "--memory needs a value (see msb run --help)");
  EXPECT_EQ(error({"--quiet=maybe", "img"}, Operands::kEndOptions),
            "--quiet takes no value (see msb run --help)");
}

TEST_F(ArgumentsTest, HelpTeachesUsageOptionsAndExamples) {
  const std::string help = arguments.help_text();
  EXPECT_THAT(help, HasSubstr("About.\n\nUsage: msb run IMAGE\n"));
  EXPECT_THAT(help, HasSubstr("-e,--env KEY=VALUE"));
  EXPECT_THAT(help, HasSubstr("\nEnd.\n"));
}

}  // namespace
}  // namespace msb::cli
