// SPDX-License-Identifier: Apache-2.0
//
// Output as it comes: each piece is one line of JSON, {"stream":"stdout","text":"..."} or, where
// the bytes are not UTF-8 or would be longer as text, {"stream":"stdout","base64":"..."}.
#pragma once

#include <string>
#include <string_view>

#include "base/try.h"
#include "rpc/json.h"
#include "rpc/lines.h"

namespace msb::rpc {

// What a client accepts that wants a stream of such lines, and what it gets.
inline constexpr char kLinesMediaType[] = "application/x-ndjson";
// The same for a client that is in no hurry: fewer and longer pieces.
inline constexpr char kLinesInPortions[] = "application/x-ndjson;portions=1";

bool is_utf8(std::string_view bytes);

// Appends the line, '\n' included.
void append_output_line(std::string& text, Stream stream, std::string_view bytes);

struct OutputPiece {
  Stream stream = Stream::kStdout;
  std::string bytes;
};
// kCorrupt.
Result<OutputPiece> decode_output_line(const Json& line);

}  // namespace msb::rpc
