// SPDX-License-Identifier: Apache-2.0
//
// WWW-Authenticate (RFC 9110, 11.6.1), as registries use it:
//   Bearer
//   realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace msb::image {

struct Challenge {
  std::string scheme;                             // lower case
  std::map<std::string, std::string> parameters;  // names in lower case
  std::string parameter(const std::string& name) const;
};

// What can be understood of it; a header may hold several. Never more than 16.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace msb::image
