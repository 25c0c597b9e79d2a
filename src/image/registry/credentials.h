// SPDX-License-Identifier: Apache-2.0
//
// What `docker login` has left in ~/.docker/config.json ($DOCKER_CONFIG/config.json).
#pragma once

#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::image {

struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  // exchanged for an access token; instead of a password
  // A docker-credential-<helper> program has them; we ask none.
  std::string helper;

  bool usable() const { return !user.empty() || !identity_token.empty(); }
};

// For a registry ("docker.io", "localhost:5000"); without any, all is empty. kCorrupt names the
// file's fault and never its content.
Result<Credentials> find_credentials(std::string_view config_json, const std::string& registry);
// The same, from the user's own file; no file is no credentials.
Result<Credentials> load_credentials(const std::string& registry);

std::string base64_encode(std::string_view bytes);

}  // namespace msb::image
