// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace msb::wire {
namespace {

constexpr std::size_t kLargePayloadBytes = 32 * 1024;

}  // namespace

std::array<std::byte, kHeaderSize> encode_header(std::uint32_t stream, FrameType type,
                                                 std::size_t payload_size) {
  MSB_CHECK(payload_size <= kMaxPayloadBytes);
  std::array<std::byte, kHeaderSize> header{};
  const auto size = static_cast<std::uint32_t>(payload_size);
  const auto kind = static_cast<std::uint16_t>(type);
  std::memcpy(header.data(), &size, sizeof size);
  std::memcpy(header.data() + 4, &stream, sizeof stream);
  std::memcpy(header.data() + 8, &kind, sizeof kind);
  return header;
}

void append_frame(std::vector<std::byte>& out, std::uint32_t stream, FrameType type,
                  std::span<const std::byte> payload) {
  const auto header = encode_header(stream, type, payload.size());
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), payload.begin(), payload.end());
}

std::span<std::byte> FrameReader::prepare(std::size_t wanted) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  }
  // Of a large frame, its end and the next one's header: in a run of them the next read then begins
  // at the front again, and nothing but headers is ever moved.
  const std::size_t missing = missing_of_large_frame();
  if (missing > 0) {
    wanted = missing + kHeaderSize;
  }
  if (buffer_.size() - end_ < wanted && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // Bounded: next() is called until it wants more, so at most one partial frame is held.
  if (buffer_.size() - end_ < wanted) {
    buffer_.resize(end_ + wanted);
  }
  return std::span(buffer_).subspan(end_, missing > 0 ? wanted : buffer_.size() - end_);
}

// 0: what is held is not the beginning of one.
std::size_t FrameReader::missing_of_large_frame() const {
  const std::size_t available = end_ - begin_;
  std::uint32_t size = 0;
  if (available < kHeaderSize) {
    return 0;
  }
  std::memcpy(&size, buffer_.data() + begin_, sizeof size);
  const bool large = size >= kLargePayloadBytes && size <= kMaxPayloadBytes;
  return large ? kHeaderSize + size - std::min(available, kHeaderSize + size) : 0;
}

void FrameReader::commit(std::size_t size) {
  MSB_CHECK(size <= buffer_.size() - end_);
  end_ += size;
}

Result<std::optional<Frame>> FrameReader::next() {
  const std::size_t available = end_ - begin_;
  if (available < kHeaderSize) {
    return std::nullopt;
  }
  const std::byte* header = buffer_.data() + begin_;
  std::uint32_t size = 0;
  std::uint32_t stream = 0;
  std::uint16_t type = 0;
  std::uint16_t reserved = 0;
  std::memcpy(&size, header, sizeof size);
  std::memcpy(&stream, header + 4, sizeof stream);
  std::memcpy(&type, header + 8, sizeof type);
  std::memcpy(&reserved, header + 10, sizeof reserved);
  if (size > kMaxPayloadBytes || reserved != 0) {
    return fail(ErrorCode::kCorrupt, "malformed frame header");
  }
  if (available < kHeaderSize + size) {
    return std::nullopt;
  }
  begin_ += kHeaderSize + size;
  return Frame{stream, static_cast<FrameType>(type), std::span(header + kHeaderSize, size)};
}

}  // namespace msb::wire
