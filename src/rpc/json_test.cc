// SPDX-License-Identifier: Apache-2.0
#include "rpc/json.h"

#include <gtest/gtest.h>

#include <string>

namespace msb::rpc {
namespace {

std::string nested(int depth) {
  const auto count = static_cast<std::size_t>(depth);
  return std::string(count, '[') + std::string(count, ']');
}

TEST(ParseJson, AcceptsNestingUpToTheLimit) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)).has_value());
}

TEST(ParseJson, RefusesDeeperNestingWithoutParsingIt) {
  const auto parsed = parse_json(nested(kMaxJsonDepth + 1));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().message(), "nested deeper than 64 levels");
  EXPECT_FALSE(parse_json(std::string(100'000, '[')).has_value());
}

TEST(ParseJson, RefusesMoreValuesThanWereAllowed) {
  EXPECT_TRUE(parse_json("[1,2,3]", 4).has_value());
  const auto parsed = parse_json("[1,2,3]", 3);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().message(), "more than 3 keys and values");
  EXPECT_FALSE(parse_json(R"({"a":{"b":1}})", 3).has_value());
  EXPECT_TRUE(parse_json("\"" + std::string(1000, ',') + "\"", 1).has_value());
}

TEST(ParseJson, DoesNotCountBracketsInStrings) {
  EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\\\"[\"").has_value());
}

TEST(ParseJson, SaysWhereAndWhyNotButNotWhat) {
  const auto parsed = parse_json(R"({"key": "secret" "more"})");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(parsed.error().message().find("line 1, column"), std::string::npos);
  EXPECT_EQ(parsed.error().message().find("more"), std::string::npos);
}

TEST(ParseJson, RefusesTrailingBytesHugeNumbersLoneSurrogatesAndInvalidUtf8) {
  EXPECT_FALSE(parse_json("{} {}").has_value());
  EXPECT_FALSE(parse_json("1e999").has_value());
  EXPECT_FALSE(parse_json(R"("\ud800")").has_value());
  EXPECT_FALSE(parse_json("\"\xff\"").has_value());
  EXPECT_FALSE(parse_json("").has_value());
}

TEST(ParseJson, TakesTheLastOfMembersWithTheSameName) {
  const auto parsed = parse_json(R"({"a":1,"a":2})");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ((*parsed)["a"], 2);
}

TEST(ParseJson, DecodesTheEscapesOfGo) {
  const auto parsed = parse_json(R"("\u003cb\u003e \u0026 \u2028")");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->get<std::string>(), "<b> & \u2028");
}

TEST(ToText, WritesBytesThatAreNotUtf8AsReplacementCharacters) {
  EXPECT_EQ(to_text(Json("a\xff"
                         "b\xc3")),
            "\"a\uFFFDb\uFFFD\"");
}

TEST(FindMember, KnowsAbsentNullAndOtherTypes) {
  const Json value = {{"null", nullptr}, {"text", "x"}, {"number", 1}};
  EXPECT_NE(find_member(value, "null"), nullptr);
  EXPECT_EQ(find_present(value, "null"), nullptr);
  EXPECT_EQ(find_member(value, "absent"), nullptr);
  EXPECT_EQ(find_member(Json::array(), "x"), nullptr);
  EXPECT_EQ(find_string(value, "number"), nullptr);
  EXPECT_EQ(*find_string(value, "text"), "x");
}

}  // namespace
}  // namespace msb::rpc
