// SPDX-License-Identifier: Apache-2.0
#include "rpc/output_line.h"

#include <gtest/gtest.h>

#include <string>

#include "rpc/base64.h"

namespace msb::rpc {
namespace {

std::string line_of(std::string_view bytes) {
  std::string line;
  append_output_line(line, Stream::kStdout, bytes);
  EXPECT_TRUE(line.ends_with("}\n"));
  return line;
}

TEST(OutputLine, HasTheBytesExactly) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
  }
  for (const std::string& bytes :
       {std::string(), std::string("plain\n"), std::string("\r\n\t\"\\ \x7f"), std::string(1, '\0'),
        std::string(100, '\0'), std::string("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), all}) {
    const std::string line = line_of(bytes);
    const auto json = parse_json(line);
    ASSERT_TRUE(json) << line;
    const auto piece = decode_output_line(*json);
    ASSERT_TRUE(piece) << line;
    EXPECT_EQ(piece->bytes, bytes) << line;
    EXPECT_EQ(piece->stream, Stream::kStdout);
  }
}

TEST(OutputLine, IsTextWhereThatIsShort) {
  EXPECT_EQ(line_of("a\n"), "{\"stream\":\"stdout\",\"text\":\"a\\n\"}\n");
  EXPECT_EQ(line_of("\x1b"), "{\"stream\":\"stdout\",\"text\":\"\\u001b\"}\n");
  EXPECT_EQ(line_of(std::string(3, '\0') + std::string(6, '\0')),
            "{\"stream\":\"stdout\",\"base64\":\"AAAAAAAAAAAA\"}\n");
}

TEST(OutputLine, IsBase64WhereItIsNotUtf8) {
  // A lone continuation, an overlong slash, a surrogate, beyond U+10FFFF, a cut sequence.
  for (const char* const bytes : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                  "\xf4\x90\x80\x80", "\xe2\x82", "\xff"}) {
    EXPECT_TRUE(line_of(bytes).contains("base64")) << line_of(bytes);
  }
}

TEST(OutputLine, MalformedOnesAreRefused) {
  for (const char* const text :
       {"[]", R"({"stream":"stdout"})", R"({"text":"x"})", R"({"stream":"stdin","text":"x"})",
        R"({"stream":"stdout","text":"x","base64":"eA=="})", R"({"stream":"stdout","base64":"e"})",
        R"({"stream":"stdout","text":7})"}) {
    EXPECT_FALSE(decode_output_line(*parse_json(text))) << text;
  }
}

TEST(Base64, HasOneSpelling) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(from_base64("Zm9vYg=="), "foob");
  EXPECT_EQ(from_base64("Zm8="), "fo");
  EXPECT_EQ(from_base64(""), "");
  for (const char* const text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "=Zg=", "Zg==Zg==", "Z===", "====", "Zm 9", "Zm-_"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

}  // namespace
}  // namespace msb::rpc
