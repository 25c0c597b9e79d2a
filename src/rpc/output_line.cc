// SPDX-License-Identifier: Apache-2.0
#include "rpc/output_line.h"

#include <array>
#include <cstdint>
#include <optional>

#include "rpc/base64.h"

namespace msb::rpc {
namespace {

constexpr std::size_t kUnicodeEscapeBytes = 6;  // \u0000

// What a byte becomes in a JSON string: itself, an escape of two, or one of six.
constexpr char short_escape(unsigned char c) {
  switch (c) {
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '"':
    case '\\':
      return static_cast<char>(c);
    default:
      return '\0';
  }
}

// The bytes of the UTF-8 sequence at the start of `bytes`; 0: it is none.
std::size_t sequence_size(std::string_view bytes) {
  const auto at = [&](std::size_t i) -> unsigned {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned first = at(0);
  const unsigned second = at(1);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first <= 0xdf) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool too_large = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

// The size as text in JSON; nothing: not UTF-8, or longer than `max`.
std::optional<std::size_t> text_size(std::string_view bytes, std::size_t max) {
  std::size_t size = 0;
  while (!bytes.empty() && size <= max) {
    const auto c = static_cast<unsigned char>(bytes.front());
    const std::size_t length = sequence_size(bytes);
    if (length == 0) {
      return std::nullopt;
    }
    size += short_escape(c) != '\0' ? 2 : c < ' ' ? kUnicodeEscapeBytes : length;
    bytes.remove_prefix(length);
  }
  return size <= max ? std::optional(size) : std::nullopt;
}

void append_escaped(std::string& text, std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char byte : bytes) {
    const auto c = static_cast<unsigned char>(byte);
    if (const char escape = short_escape(c); escape != '\0') {
      text += '\\';
      text += escape;
    } else if (c < ' ') {
      text += "\\u00";
      text += kHex[c >> 4];
      text += kHex[c & 15];
    } else {
      text += byte;
    }
  }
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = sequence_size(bytes);
    if (length == 0) {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

void append_output_line(std::string& text, Stream stream, std::string_view bytes) {
  const std::size_t base64_size = (bytes.size() + 2) / 3 * 4;
  text += stream == Stream::kStdout ? R"({"stream":"stdout",)" : R"({"stream":"stderr",)";
  if (text_size(bytes, std::max(base64_size, kUnicodeEscapeBytes))) {
    text += R"("text":")";
    append_escaped(text, bytes);
  } else {
    text += R"("base64":")";
    append_base64(text, bytes);
  }
  text += "\"}\n";
}

Result<OutputPiece> decode_output_line(const Json& line) {
  const std::string* const stream = find_string(line, "stream");
  const std::string* const text = find_string(line, "text");
  const std::string* const base64 = find_string(line, "base64");
  if (stream == nullptr || (text == nullptr) == (base64 == nullptr)) {
    return fail(ErrorCode::kCorrupt, "a piece of output without its stream or its bytes");
  }
  if (*stream != "stdout" && *stream != "stderr") {
    return fail(ErrorCode::kCorrupt, "output of a stream that is neither stdout nor stderr");
  }
  OutputPiece piece;
  piece.stream = *stream == "stdout" ? Stream::kStdout : Stream::kStderr;
  if (text != nullptr) {
    piece.bytes = *text;
    return piece;
  }
  auto bytes = from_base64(*base64);
  if (!bytes) {
    return fail(ErrorCode::kCorrupt, "base64: malformed");
  }
  piece.bytes = *std::move(bytes);
  return piece;
}

}  // namespace msb::rpc
