// SPDX-License-Identifier: Apache-2.0
//
// Output of a run as the wire has it: lines, each of one stream, in the order in which they were
// finished. A line ends at '\n'; one '\r' before it is dropped; what stands after the last '\n' is
// a line as well. Bounded: what goes beyond the limits is counted and not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace msb::rpc {

enum class Stream : std::uint8_t { kStdout, kStderr };

struct Line {
  Stream stream = Stream::kStdout;
  std::string text;

  bool operator==(const Line&) const = default;
};

class Lines {
 public:
  static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;
  static constexpr std::size_t kMaxLines = 256 * 1024;

  void append(Stream stream, std::string_view bytes);
  // Everything, the unfinished lines last, in the order in which they were begun. `dropped_bytes`
  // were lost before they came here. If anything is missing, a last line on stderr says how much.
  std::vector<Line> finish(std::uint64_t dropped_bytes = 0) &&;

 private:
  // The bytes that still fit; the others are counted.
  std::string_view admit(std::string_view bytes);
  void end_line(Stream stream);

  std::vector<Line> lines_;
  std::string open_[2];  // by stream: the line that has not ended
  bool stderr_began_first_ = false;
  std::size_t kept_bytes_ = 0;
  std::uint64_t dropped_bytes_ = 0;
};

}  // namespace msb::rpc
