// SPDX-License-Identifier: Apache-2.0
//
// JSON from and for foreign hands. What comes in is bounded before it is parsed: in depth, so that
// no later walk over it can exhaust the stack, and in values, because "[{},{},..." takes twenty
// times its size in memory. What goes out is always valid UTF-8.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::rpc {

using Json = nlohmann::json;

inline constexpr int kMaxJsonDepth = 64;
// Keys and values, of a result with all the lines of output that there can be, and more.
inline constexpr std::size_t kMaxJsonValues = 4'000'000;
// No method takes a list of so many.
inline constexpr std::size_t kMaxRequestValues = 100'000;

// The whole text as one value. kInvalidArgument says where and why not. Of members with the same
// name the last one counts, for every reader: a body is parsed once and only the result is used.
Result<Json> parse_json(std::string_view text, std::size_t max_values = kMaxJsonValues);

// On one line. Bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& value);
// Two spaces per level, keys sorted.
std::string to_pretty_text(const Json& value);

// The member of an object; null if there is none, or `value` is no object.
const Json* find_member(const Json& value, std::string_view name);
// The same, where a member that is null counts as absent.
const Json* find_present(const Json& value, std::string_view name);
// The member if it is a string, else null.
const std::string* find_string(const Json& value, std::string_view name);

}  // namespace msb::rpc
