// SPDX-License-Identifier: Apache-2.0
//
// Members of params, each of one type. What is optional may be null or absent. The errors are
// kInvalidArgument with the texts that clients know.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "rpc/json.h"

namespace msb::rpc {

std::unexpected<Error> invalid(std::string text);
std::unexpected<Error> wrong_type(const Json& value, std::string_view expected,
                                  std::string_view field);
Result<std::string> required_text(const Json& params, const char* field);
Result<std::string> optional_text(const Json& params, const char* field);
Result<std::vector<std::string>> texts(const Json& params, const char* field);
Result<std::map<std::string, std::string>> texts_by_name(const Json& params, const char* field);
// 0 .. `max`; `type_name` is for the error.
Result<std::optional<std::int64_t>> integer(const Json& params, const char* field, std::int64_t max,
                                            std::string_view type_name);
// Absent: false.
Result<bool> flag(const Json& params, const char* field);
// The text `field`, or what "<field>_base64" decodes to: JSON holds no bytes that are not UTF-8.
Result<std::string> bytes(const Json& params, const char* field);

}  // namespace msb::rpc
