// SPDX-License-Identifier: Apache-2.0
//
// Fixed little-endian layouts, for protocols of our own. A ByteReader never reads past its input:
// the first violation makes it fail for good, everything read after that is zero or empty, and
// finish() reports it. So a decoder reads straight through and checks once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"

namespace msb::base {

static_assert(std::endian::native == std::endian::little, "layouts are copied as they are");

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  // SAFETY: char may alias any object representation.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteWriter {
 public:
  // Room for a small message at once; it also keeps g++ 12 from seeing an overflow in the growth of
  // an empty vector.
  ByteWriter() { bytes_.reserve(64); }

  void u8(std::uint8_t value) { raw(&value, sizeof value); }
  void u16(std::uint16_t value) { raw(&value, sizeof value); }
  void u32(std::uint32_t value) { raw(&value, sizeof value); }
  void u64(std::uint64_t value) { raw(&value, sizeof value); }
  void i32(std::int32_t value) { raw(&value, sizeof value); }
  void f64(double value) { raw(&value, sizeof value); }
  // u32 length, then the bytes.
  void string(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    raw(value.data(), value.size());
  }
  // u32 count, then the strings.
  void strings(const std::vector<std::string>& values) {
    u32(static_cast<std::uint32_t>(values.size()));
    for (const std::string& value : values) {
      string(value);
    }
  }
  // The bytes alone; only sensible at the end of a message.
  void tail(std::span<const std::byte> bytes) { raw(bytes.data(), bytes.size()); }

  std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  void raw(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }

  std::vector<std::byte> bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  std::int32_t i32() { return number<std::int32_t>(); }
  double f64() { return number<double>(); }
  // 0 or 1, and nothing else.
  bool boolean() {
    const std::uint8_t value = u8();
    failed_ |= value > 1;
    return value == 1;
  }

  std::string string(std::size_t max_size) {
    const std::size_t size = u32();
    if (failed_ || size > max_size || size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    std::string value(text_of(bytes_.first(size)));
    bytes_ = bytes_.subspan(size);
    return value;
  }

  std::vector<std::string> strings(std::size_t max_count, std::size_t max_size) {
    const std::size_t count = u32();
    std::vector<std::string> values;
    if (failed_ || count > max_count) {
      failed_ = true;
      return values;
    }
    for (std::size_t i = 0; i < count && !failed_; ++i) {
      values.push_back(string(max_size));
    }
    return values;
  }

  // Everything that is left, without a copy; valid as long as the input is.
  std::span<const std::byte> tail() {
    return failed_ ? std::span<const std::byte>() : std::exchange(bytes_, {});
  }

  // For checks of the decoder's own (an enum out of range).
  void reject() { failed_ = true; }

  // kCorrupt unless everything was well-formed and read to the end. `what` names the message.
  Result<> finish(std::string_view what) const {
    if (failed_ || !bytes_.empty()) {
      return fail(ErrorCode::kCorrupt, "malformed " + std::string(what));
    }
    return {};
  }

 private:
  template <typename T>
  T number() {
    T value{};
    if (failed_ || bytes_.size() < sizeof value) {
      failed_ = true;
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return value;
  }

  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

}  // namespace msb::base
