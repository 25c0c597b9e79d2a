// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/line_reader.h"

namespace msb::sdk {

Result<> LineReader::take(std::string_view line) {
  if (has_answer_) {
    return fail(ErrorCode::kCorrupt, "a line behind the answer");
  }
  if (!TRY(on_line_(line))) {
    has_answer_ = true;
    answer_ = line;
  }
  return {};
}

Result<> LineReader::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (piece.size() > max_line_bytes_ - open_.size()) {
      return fail(ErrorCode::kCorrupt,
                  "a line of more than " + std::to_string(max_line_bytes_) + " bytes");
    }
    if (end == std::string_view::npos) {
      open_ += piece;
      return {};
    }
    if (open_.empty()) {
      TRY(take(piece));
    } else {
      open_ += piece;
      TRY(take(open_));
      open_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace msb::sdk
