// SPDX-License-Identifier: Apache-2.0
//
// A server's answer that comes as lines. The first byte says in pieces of how many bytes it comes;
// what is read of it must not depend on that.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "sdk/remote/events.h"
#include "sdk/remote/http_client.h"
#include "sdk/remote/line_reader.h"
#include "sdk/remote/response.h"

namespace {

using namespace msb;

constexpr std::size_t kMaxLineBytes = 4096;

struct Reading {
  std::string output;
  std::string answer;
  std::string failure;
  bool operator==(const Reading&) const = default;
};

Reading read(std::string_view bytes, std::size_t piece_bytes) {
  Reading reading;
  ExecutionBuilder builder;
  const OutputCallback on_output = [&](Stream stream, std::string_view text) {
    reading.output += stream == Stream::kStdout ? 'o' : 'e';
    reading.output += text;
  };
  const sdk::EventSink sink = sdk::output_events(&builder, on_output);
  sdk::LineReader reader([&](std::string_view line) { return sdk::take_event_line(line, sink); },
                         kMaxLineBytes);
  while (!bytes.empty() && reading.failure.empty()) {
    const std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    if (const auto added = reader.add(piece); !added) {
      reading.failure = added.error().message();
      MSB_CHECK(!reading.failure.empty());
    }
  }
  reading.answer = reader.take_answer();
  MSB_CHECK(reading.answer.size() <= kMaxLineBytes);
  const sdk::HttpReply reply{.status = 200, .body = reading.answer};
  if (const auto result = sdk::decode_reply(reply, "a")) {
    static_cast<void>(
        sdk::decode_command(*result, "x", {}, std::chrono::nanoseconds(0), std::move(builder)));
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // SAFETY: char and uint8_t alias.
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Reading reading = read(bytes, std::max<std::size_t>(data[0], 1));
  // A byte of output takes a byte of the answer at the least, and each piece its line.
  MSB_CHECK(reading.output.size() <= size);
  MSB_CHECK(reading == read(bytes, size));
  return 0;
}
