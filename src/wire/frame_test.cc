// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(Frame, SurvivesAnyMixOfSizesAndReads) {
  constexpr std::size_t kSizes[] = {0, 1,      40'000, kMaxPayloadBytes, kMaxPayloadBytes,
                                    5, 32'768, 700};
  std::vector<std::byte> bytes;
  std::vector<std::size_t> sent;
  for (std::uint32_t i = 0; i < 64; ++i) {
    sent.push_back(kSizes[(i * 5 + i / 8) % std::size(kSizes)]);
    const auto fill = static_cast<std::byte>(i);
    append_frame(bytes, i, FrameType::kData, std::vector<std::byte>(sent.back(), fill));
  }
  for (const std::size_t wanted : {std::size_t{1}, std::size_t{4096}, std::size_t{256 * 1024}}) {
    FrameReader reader;
    std::uint32_t seen = 0;
    for (std::span<const std::byte> rest(bytes); !rest.empty();) {
      const auto room = reader.prepare(wanted);
      ASSERT_FALSE(room.empty());
      const auto piece = rest.first(std::min(rest.size(), room.size()));
      std::memcpy(room.data(), piece.data(), piece.size());
      reader.commit(piece.size());
      rest = rest.subspan(piece.size());
      while (const auto frame = reader.next().value()) {
        ASSERT_EQ(frame->stream, seen);
        ASSERT_EQ(frame->payload.size(), sent[seen]);
        ASSERT_TRUE(std::ranges::all_of(
            frame->payload, [&](std::byte byte) { return byte == static_cast<std::byte>(seen); }));
        ++seen;
      }
    }
    EXPECT_EQ(seen, sent.size());
  }
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
