// SPDX-License-Identifier: Apache-2.0
//
// JSON of foreign hands: bounded, without exceptions, every access typed. An absent member and null
// are the same; a member of the wrong type is kCorrupt and the text names it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"

namespace msb::image::json {

using Value = nlohmann::json;

inline constexpr std::size_t kMaxDepth = 64;

// An object; `what` names the document in errors.
Result<Value> parse(std::string_view text, std::string_view what);
// A list.
Result<Value> parse_list(std::string_view text, std::string_view what);

// Null if `object` is no object or has no such member.
const Value& member(const Value& object, const char* key);

Result<std::string> string(const Value& object, const char* key);                // absent: ""
Result<std::uint64_t> number(const Value& object, const char* key);              // absent: 0
Result<std::vector<std::string>> strings(const Value& object, const char* key);  // absent: none
Result<std::map<std::string, std::string>> string_map(const Value& object, const char* key);

}  // namespace msb::image::json
