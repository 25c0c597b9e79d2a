// SPDX-License-Identifier: Apache-2.0
#include "rpc/json.h"

#include <algorithm>

namespace msb::rpc {
namespace {

// Of what a parser can meet. Strings are skipped as a parser skips them; where the text is
// malformed the parser stops no later than the counts go wrong.
struct Shape {
  int depth = 0;
  std::size_t values = 1;  // keys too
};

// Stops counting where the depth is too much.
Shape shape_of(std::string_view text) {
  Shape shape;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size() && shape.depth <= kMaxJsonDepth; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      shape.depth = std::max(shape.depth, ++depth);
      ++shape.values;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',' || c == ':') {
      ++shape.values;
    }
  }
  return shape;
}

// The library quotes the last token, which may be the caller's secret or a megabyte; the place and
// the expectation around it say enough.
std::string explain(std::string text) {
  if (const auto end = text.find("] "); text.starts_with('[') && end != std::string::npos) {
    text.erase(0, end + 2);
  }
  if (const auto begin = text.find("; last read: "); begin != std::string::npos) {
    const auto end = text.rfind('\'');
    text.erase(begin,
               end == std::string::npos || end < begin ? std::string::npos : end + 1 - begin);
  }
  constexpr std::size_t kMaxBytes = 200;
  if (text.size() > kMaxBytes) {
    text.resize(kMaxBytes);
  }
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t max_values) {
  const Shape shape = shape_of(text);
  if (shape.depth > kMaxJsonDepth) {
    return fail(ErrorCode::kInvalidArgument,
                "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  if (shape.values > max_values) {
    return fail(ErrorCode::kInvalidArgument,
                "more than " + std::to_string(max_values) + " keys and values");
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& exception) {
    return fail(ErrorCode::kInvalidArgument, explain(exception.what()));
  }
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_pretty_text(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

const Json* find_member(const Json& value, std::string_view name) {
  if (!value.is_object()) {
    return nullptr;
  }
  const auto found = value.find(name);
  return found == value.end() ? nullptr : &*found;
}

const Json* find_present(const Json& value, std::string_view name) {
  const Json* member = find_member(value, name);
  return member != nullptr && member->is_null() ? nullptr : member;
}

const std::string* find_string(const Json& value, std::string_view name) {
  const Json* member = find_member(value, name);
  return member == nullptr ? nullptr : member->get_ptr<const std::string*>();
}

}  // namespace msb::rpc
