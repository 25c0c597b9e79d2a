// SPDX-License-Identifier: Apache-2.0
#include "image/json.h"

#include <algorithm>

namespace msb::image::json {
namespace {

// The deepest nesting, told from the brackets outside of strings.
std::size_t depth_of(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

std::unexpected<Error> wrong_type(const char* key, std::string_view wanted) {
  return fail(ErrorCode::kCorrupt, "'" + std::string(key) + "' is not " + std::string(wanted));
}

// What reaches argv, an environment or a path must not end early there.
Result<std::string> text_of(const Value& value, const char* key) {
  if (!value.is_string()) {
    return wrong_type(key, "a string");
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.find('\0') != std::string::npos) {
    return wrong_type(key, "text: it has a NUL in it");
  }
  return text;
}

Result<Value> parse_any(std::string_view text, std::string_view what) {
  if (depth_of(text) > kMaxDepth) {
    return fail(ErrorCode::kCorrupt, std::string(what) + ": JSON nested too deep");
  }
  Value value = Value::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) {
    return fail(ErrorCode::kCorrupt, std::string(what) + ": not JSON");
  }
  return value;
}

}  // namespace

Result<Value> parse(std::string_view text, std::string_view what) {
  Value value = TRY(parse_any(text, what));
  if (!value.is_object()) {
    return fail(ErrorCode::kCorrupt, std::string(what) + ": not a JSON object");
  }
  return value;
}

Result<Value> parse_list(std::string_view text, std::string_view what) {
  Value value = TRY(parse_any(text, what));
  if (!value.is_array()) {
    return fail(ErrorCode::kCorrupt, std::string(what) + ": not a JSON list");
  }
  return value;
}

const Value& member(const Value& object, const char* key) {
  static const Value kNull;
  if (!object.is_object()) {
    return kNull;
  }
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

Result<std::string> string(const Value& object, const char* key) {
  const Value& value = member(object, key);
  if (value.is_null()) {
    return std::string();
  }
  return text_of(value, key);
}

Result<std::uint64_t> number(const Value& object, const char* key) {
  const Value& value = member(object, key);
  if (value.is_null()) {
    return 0;
  }
  if (!value.is_number_unsigned()) {
    return wrong_type(key, "a number from 0");
  }
  return value.get<std::uint64_t>();
}

Result<std::vector<std::string>> strings(const Value& object, const char* key) {
  std::vector<std::string> result;
  const Value& value = member(object, key);
  if (value.is_null()) {
    return result;
  }
  if (!value.is_array()) {
    return wrong_type(key, "a list of strings");
  }
  for (const Value& element : value) {
    result.push_back(TRY(text_of(element, key)));
  }
  return result;
}

Result<std::map<std::string, std::string>> string_map(const Value& object, const char* key) {
  std::map<std::string, std::string> result;
  const Value& value = member(object, key);
  if (value.is_null()) {
    return result;
  }
  if (!value.is_object()) {
    return wrong_type(key, "an object of strings");
  }
  for (const auto& [name, element] : value.items()) {
    result.emplace(name, TRY(text_of(element, key)));
  }
  return result;
}

}  // namespace msb::image::json
