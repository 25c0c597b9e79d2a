// SPDX-License-Identifier: Apache-2.0
//
// An answer that comes as lines: cut where they end, however the bytes came. No I/O.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::sdk {

// True: the line was taken. False: it is the answer, and the last.
using OnLine = std::function<Result<bool>(std::string_view line)>;

class LineReader {
 public:
  LineReader(OnLine on_line, std::size_t max_line_bytes)
      : on_line_(std::move(on_line)), max_line_bytes_(max_line_bytes) {}

  // kCorrupt: a line is too long, or follows the answer; else what `on_line` has against one.
  Result<> add(std::string_view bytes);

  // Empty: it has not come.
  std::string take_answer() { return std::move(answer_); }

 private:
  Result<> take(std::string_view line);

  OnLine on_line_;
  std::size_t max_line_bytes_;
  std::string open_;  // a line that has not ended yet
  std::string answer_;
  bool has_answer_ = false;
};

}  // namespace msb::sdk
