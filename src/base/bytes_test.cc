// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

namespace msb::base {
namespace {

TEST(Bytes, ReadsBackWhatWasWritten) {
  ByteWriter writer;
  writer.u8(7);
  writer.u16(0x1234);
  writer.u32(0xdeadbeef);
  writer.u64(1ull << 40);
  writer.i32(-5);
  writer.f64(0.25);
  writer.string("hello");
  writer.strings({"a", "", "ccc"});
  const auto bytes = std::move(writer).take();

  ByteReader reader(bytes);
  EXPECT_EQ(reader.u8(), 7);
  EXPECT_EQ(reader.u16(), 0x1234);
  EXPECT_EQ(reader.u32(), 0xdeadbeef);
  EXPECT_EQ(reader.u64(), 1ull << 40);
  EXPECT_EQ(reader.i32(), -5);
  EXPECT_EQ(reader.f64(), 0.25);
  EXPECT_EQ(reader.string(5), "hello");
  EXPECT_EQ(reader.strings(3, 3), (std::vector<std::string>{"a", "", "ccc"}));
  EXPECT_TRUE(reader.finish("message"));
}

TEST(Bytes, AStringLongerThanItsLimitFailsTheWholeMessage) {
  ByteWriter writer;
  writer.string("hello");
  writer.u8(1);
  const auto bytes = std::move(writer).take();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.string(4), "");
  EXPECT_EQ(reader.u8(), 0);
  const auto finished = reader.finish("greeting");
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(finished.error().message(), "malformed greeting");
}

TEST(Bytes, ALengthBeyondTheInputIsNotFollowed) {
  ByteWriter writer;
  writer.u32(0xffffffff);
  const auto bytes = std::move(writer).take();
  ByteReader reader(bytes);
  EXPECT_EQ(reader.string(~std::size_t{0}), "");
  EXPECT_FALSE(reader.finish("message"));
}

TEST(Bytes, ACountBeyondItsLimitAllocatesNothing) {
  ByteWriter writer;
  writer.u32(0x7fffffff);
  const auto bytes = std::move(writer).take();
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.strings(8, 8).empty());
  EXPECT_FALSE(reader.finish("message"));
}

TEST(Bytes, BytesLeftOverAreAnError) {
  const std::byte bytes[2] = {};
  ByteReader reader(bytes);
  reader.u8();
  EXPECT_FALSE(reader.finish("message"));
}

}  // namespace
}  // namespace msb::base
