// SPDX-License-Identifier: Apache-2.0
//
// The command line of the server's verbs. `msb` passes its words on untouched, so what is said here
// is said to users of `msb server start`, `msb server keygen` and `msb mcp`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "engine/pool_policy.h"
#include "server/key_file.h"

namespace msb::server {

struct Flags {
  enum class Verb { kStart, kKeygen, kMcp, kHelp, kVersion } verb = Verb::kHelp;
  std::string home;  // empty: $MSB_HOME, else ~/.microsandbox
  std::string host = "127.0.0.1";
  std::uint16_t port = 5555;
  bool is_dev_mode = false;
  KeyChoice key;
  std::string namespaces_folder;  // empty: beneath the home
  std::vector<std::string> volume_roots;
  std::string tls_certificate_file;
  std::string tls_key_file;
  engine::PoolOptions pool{.max_spares = 8};
  std::vector<std::string> isolation{"jail"};  // that callers may choose; the first by default
  bool is_detached = false;
  std::chrono::seconds lifetime{24 * 3600};
  std::string namespace_name = "*";
  bool is_quiet = false;
  std::string help_text;  // of kHelp
};

// "server start", "server keygen", "mcp": how `msb` calls the verb; empty without one.
std::string verb_called(const std::vector<std::string>& arguments);

// kInvalidArgument: what is wrong, in a line.
Result<Flags> parse_flags(const std::vector<std::string>& arguments);

}  // namespace msb::server
