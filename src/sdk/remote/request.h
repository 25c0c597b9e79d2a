// SPDX-License-Identifier: Apache-2.0
//
// Bodies of requests, in the order of members and with the omissions of the established clients:
// every params object has a namespace first, a start's config has image, memory and cpus always and
// the rest where it says something. What only some servers understand is named, so that it is
// refused where they do not, and never left out.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "msb/options.h"
#include "msb/sandbox.h"

namespace msb::sdk {

using OrderedJson = nlohmann::ordered_json;

// Of `namespace_name` and `sandbox`; the start of all params.
OrderedJson target_params(const std::string& namespace_name, const std::string& sandbox);

// An extension of the protocol that a request needs, and the option that is to blame.
struct Need {
  std::string_view feature;
  std::string_view option;
};
using Needs = std::vector<Need>;

// Adds "config", if there is something to say, and asks for details.
Needs add_start(OrderedJson& params, const StartConfig& config, std::optional<Language> language);
Result<> add_code(OrderedJson& params, Language language, std::string_view code,
                  const RunOptions& options);
Needs add_command(OrderedJson& params, const std::string& command,
                  const std::vector<std::string>& args, const CommandOptions& options);
void add_spawn(OrderedJson& params, const SpawnOptions& options);
// As text where it is UTF-8, else as "<name>_base64".
void add_bytes(OrderedJson& params, const std::string& name, std::string_view bytes);

// The whole body. `id` empty: left out. Text that is not UTF-8 becomes U+FFFD.
std::string encode_request(std::string_view method, OrderedJson params, std::string_view id);

// The ports that a start with `config` asks for.
std::vector<PortMapping> port_mappings(const StartConfig& config);

}  // namespace msb::sdk
