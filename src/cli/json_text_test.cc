// SPDX-License-Identifier: Apache-2.0
#include "cli/json_text.h"

#include <gtest/gtest.h>

#include <string_view>

namespace msb::cli {
namespace {

using namespace std::string_view_literals;

TEST(JsonString, EscapesWhatJsonReserves) {
  EXPECT_EQ(json_string("a\"b\\c\n\t\x01\x7f"sv), R"("a\"b\\c\u000a\u0009\u0001\u007f")");
  EXPECT_EQ(json_string("\0"sv), R"("\u0000")");
}

TEST(JsonString, KeepsUtf8) {
  EXPECT_EQ(json_string("é€😀"), "\"é€😀\"");
}

TEST(JsonString, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(json_string("\xff"), R"("\ufffd")");
  EXPECT_EQ(json_string("\xc0\x80"), R"("\ufffd\ufffd")") << "overlong";
  EXPECT_EQ(json_string("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "surrogate";
  EXPECT_EQ(json_string("\xe2\x82"), R"("\ufffd\ufffd")") << "cut off";
  EXPECT_EQ(json_string("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")") << "beyond Unicode";
}

}  // namespace
}  // namespace msb::cli
