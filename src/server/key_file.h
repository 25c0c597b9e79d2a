// SPDX-License-Identifier: Apache-2.0
//
// The server's key, $MSB_HOME/server.key: the secret that signs API keys. Raw bytes, no newline.
#pragma once

#include <optional>
#include <string>

#include "base/try.h"

namespace msb::server {

inline constexpr std::size_t kMaxServerKeyBytes = 4096;

struct KeyChoice {
  std::optional<std::string> key;  // this one, from now on
  bool reset = false;              // a new one: every key issued before is void
};

// The key in use, kept for the next start: the chosen one, else the one of the last time, else a
// new one.
Result<std::string> obtain_server_key(const std::string& home, const KeyChoice& choice);

// The key of the last start. kNotFound says what to do.
Result<std::string> read_server_key(const std::string& home);

}  // namespace msb::server
