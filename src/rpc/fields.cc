// SPDX-License-Identifier: Apache-2.0
#include "rpc/fields.h"

#include <utility>

#include "rpc/base64.h"

namespace msb::rpc {
namespace {

std::string_view type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "map";
    case Json::value_t::array:
      return "sequence";
    case Json::value_t::string:
      return "string";
    case Json::value_t::boolean:
      return "boolean";
    case Json::value_t::number_float:
      return "floating point";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "integer";
    default:
      return "value";
  }
}

}  // namespace

std::unexpected<Error> invalid(std::string text) {
  return fail(ErrorCode::kInvalidArgument, std::move(text));
}

std::unexpected<Error> wrong_type(const Json& value, std::string_view expected,
                                  std::string_view field) {
  std::string text = "invalid type: " + std::string(type_of(value)) + ", expected ";
  text += expected;
  if (!field.empty()) {
    text += " for field `" + std::string(field) + "`";
  }
  return invalid(std::move(text));
}

Result<std::string> required_text(const Json& params, const char* field) {
  const Json* value = find_member(params, field);
  if (value == nullptr) {
    return invalid("missing field `" + std::string(field) + "`");
  }
  if (!value->is_string()) {
    return wrong_type(*value, "a string", field);
  }
  return value->get<std::string>();
}

Result<std::string> optional_text(const Json& params, const char* field) {
  const Json* value = find_present(params, field);
  if (value == nullptr) {
    return std::string();
  }
  if (!value->is_string()) {
    return wrong_type(*value, "a string", field);
  }
  return value->get<std::string>();
}

Result<std::vector<std::string>> texts(const Json& params, const char* field) {
  std::vector<std::string> list;
  const Json* value = find_present(params, field);
  if (value == nullptr) {
    return list;
  }
  if (!value->is_array()) {
    return wrong_type(*value, "a sequence", field);
  }
  for (const Json& element : *value) {
    if (!element.is_string()) {
      return wrong_type(element, "a string",
                        std::string(field) + "[" + std::to_string(list.size()) + "]");
    }
    list.push_back(element.get<std::string>());
  }
  return list;
}

Result<std::map<std::string, std::string>> texts_by_name(const Json& params, const char* field) {
  std::map<std::string, std::string> map;
  const Json* value = find_present(params, field);
  if (value == nullptr) {
    return map;
  }
  if (!value->is_object()) {
    return wrong_type(*value, "a map", field);
  }
  for (const auto& [name, text] : value->items()) {
    if (!text.is_string()) {
      return wrong_type(text, "a string", std::string(field) + "." + name.substr(0, 64));
    }
    map[name] = text.get<std::string>();
  }
  return map;
}

Result<std::optional<std::int64_t>> integer(const Json& params, const char* field, std::int64_t max,
                                            std::string_view type_name) {
  const Json* value = find_present(params, field);
  if (value == nullptr) {
    return std::optional<std::int64_t>();
  }
  if (!value->is_number_integer()) {
    return wrong_type(*value, type_name, field);
  }
  const bool too_large =
      value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(max);
  if (too_large || value->get<std::int64_t>() < 0) {
    return invalid("invalid value: integer `" + value->dump() + "`, expected " +
                   std::string(type_name) + " for field `" + field + "`");
  }
  return std::optional<std::int64_t>(value->get<std::int64_t>());
}

Result<bool> flag(const Json& params, const char* field) {
  const Json* value = find_present(params, field);
  if (value == nullptr) {
    return false;
  }
  if (!value->is_boolean()) {
    return wrong_type(*value, "a boolean", field);
  }
  return value->get<bool>();
}

Result<std::string> bytes(const Json& params, const char* field) {
  const std::string encoded_field = std::string(field) + "_base64";
  const std::string encoded = TRY(optional_text(params, encoded_field.c_str()));
  if (encoded.empty()) {
    return optional_text(params, field);
  }
  if (find_present(params, field) != nullptr) {
    return invalid("`" + std::string(field) + "` and `" + encoded_field + "`: give one of them");
  }
  auto decoded = from_base64(encoded);
  if (!decoded) {
    return invalid("`" + encoded_field + "`: is not base64");
  }
  return *std::move(decoded);
}

}  // namespace msb::rpc
