// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "base/bytes.h"

namespace msb::wire {
namespace {

void feed(FrameReader& reader, std::span<const std::byte> bytes) {
  const auto room = reader.prepare(bytes.size());
  ASSERT_GE(room.size(), bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  reader.commit(bytes.size());
}

TEST(Frame, SurvivesBeingCutAnywhere) {
  std::vector<std::byte> bytes;
  append_frame(bytes, 7, FrameType::kStdout, base::bytes_of("hello"));
  append_frame(bytes, 8, FrameType::kEnd, {});
  FrameReader reader;
  std::vector<std::pair<std::uint32_t, std::string>> seen;
  for (const std::byte byte : bytes) {
    feed(reader, std::span(&byte, 1));
    for (;;) {
      const auto frame = reader.next();
      ASSERT_TRUE(frame);
      if (!*frame) {
        break;
      }
      seen.emplace_back((*frame)->stream, base::text_of((*frame)->payload));
    }
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], std::pair(7U, std::string("hello")));
  EXPECT_EQ(seen[1], std::pair(8U, std::string()));
}

TEST(Frame, RefusesASizeBeyondTheLimitBeforeBufferingIt) {
  std::vector<std::byte> bytes;
  append_frame(bytes, 1, FrameType::kData, {});
  const std::uint32_t size = kMaxPayloadBytes + 1;
  std::memcpy(bytes.data(), &size, sizeof size);
  FrameReader reader;
  feed(reader, bytes);
  const auto frame = reader.next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code(), ErrorCode::kCorrupt);
}

TEST(Frame, TakesTheLargestPayload) {
  const std::vector<std::byte> payload(kMaxPayloadBytes, std::byte{1});
  std::vector<std::byte> bytes;
  append_frame(bytes, 1, FrameType::kData, payload);
  FrameReader reader;
  feed(reader, bytes);
  const auto frame = reader.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->payload.size(), kMaxPayloadBytes);
}

TEST(Frame, RefusesReservedBits) {
  std::vector<std::byte> bytes;
  append_frame(bytes, 1, FrameType::kData, {});
  bytes[10] = std::byte{1};
  FrameReader reader;
  feed(reader, bytes);
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace msb::wire
