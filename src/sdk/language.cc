// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "base/try.h"
#include "msb/sandbox.h"

namespace msb {

std::string_view to_string(Language language) noexcept {
  return language == Language::kPython ? "python" : "nodejs";
}

Result<Language> parse_language(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (lower == "python") {
    return Language::kPython;
  }
  if (lower == "node" || lower == "nodejs" || lower == "javascript") {
    return Language::kNode;
  }
  return std::unexpected(
      Error(ErrorCode::kInvalidArgument, "'" + std::string(text) +
                                             "' is not one of python, node, nodejs, "
                                             "javascript")
          .wrap(ErrorCode::kUnknownLanguage));
}

}  // namespace msb
