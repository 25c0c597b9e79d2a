// SPDX-License-Identifier: Apache-2.0
#include "rpc/lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace msb::rpc {
namespace {

constexpr Stream kOut = Stream::kStdout;
constexpr Stream kErr = Stream::kStderr;

std::vector<Line> split(std::initializer_list<std::pair<Stream, std::string_view>> pieces) {
  Lines lines;
  for (const auto& [stream, bytes] : pieces) {
    lines.append(stream, bytes);
  }
  return std::move(lines).finish();
}

TEST(Lines, EndAtNewlinesAndKeepEmptyOnes) {
  EXPECT_EQ(split({{kOut, "a\n\nb\n"}}), (std::vector<Line>{{kOut, "a"}, {kOut, ""}, {kOut, "b"}}));
}

TEST(Lines, KeepALastLineWithoutANewline) {
  EXPECT_EQ(split({{kOut, "a\nb"}}), (std::vector<Line>{{kOut, "a"}, {kOut, "b"}}));
  EXPECT_TRUE(split({}).empty());
}

TEST(Lines, DropOneCarriageReturnBeforeTheNewline) {
  EXPECT_EQ(split({{kOut, "a\r\r\nb\rc\n"}}), (std::vector<Line>{{kOut, "a\r"}, {kOut, "b\rc"}}));
}

TEST(Lines, AreJoinedAcrossPiecesOfOneStream) {
  EXPECT_EQ(split({{kOut, "a"}, {kErr, "x\n"}, {kOut, "b\n"}}),
            (std::vector<Line>{{kErr, "x"}, {kOut, "ab"}}));
}

TEST(Lines, KeepTheOrderOfUnfinishedOnes) {
  EXPECT_EQ(split({{kErr, "x"}, {kOut, "a"}}), (std::vector<Line>{{kErr, "x"}, {kOut, "a"}}));
  EXPECT_EQ(split({{kOut, "a"}, {kErr, "x"}}), (std::vector<Line>{{kOut, "a"}, {kErr, "x"}}));
  EXPECT_EQ(split({{kErr, "x"}, {kOut, "a"}, {kErr, "\ny"}}),
            (std::vector<Line>{{kErr, "x"}, {kOut, "a"}, {kErr, "y"}}));
}

TEST(Lines, SayHowMuchWasCut) {
  Lines lines;
  const std::string block(1 << 20, 'a');
  for (int i = 0; i < 20; ++i) {
    lines.append(kOut, block);
  }
  const auto all = std::move(lines).finish(5);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].text.size(), Lines::kMaxBytes);
  EXPECT_EQ(all[1], (Line{kErr, "Error: output was cut here; " +
                                    std::to_string(20 * block.size() - Lines::kMaxBytes + 5) +
                                    " more bytes came"}));
}

TEST(Lines, AreBoundedInNumber) {
  Lines lines;
  lines.append(kOut, std::string(Lines::kMaxLines + 100, '\n'));
  lines.append(kErr, "late\n");
  const auto all = std::move(lines).finish();
  ASSERT_EQ(all.size(), Lines::kMaxLines + 1);
  EXPECT_EQ(all.back().text, "Error: output was cut here; 105 more bytes came");
}

}  // namespace
}  // namespace msb::rpc
