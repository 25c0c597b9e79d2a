// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "server/key_file.h"

namespace msb::server {

struct Flags {
  enum class Verb { kStart, kKeygen, kMcp, kHelp, kVersion } verb = Verb::kStart;
  std::string host = "127.0.0.1";
  std::uint16_t port = 5555;
  bool is_dev_mode = false;
  KeyChoice key;
  std::string namespaces_folder;  // empty: beneath the home
  std::vector<std::string> volume_roots;
  std::string tls_certificate_file;
  std::string tls_key_file;
  std::chrono::seconds lifetime{24 * 3600};
  std::string namespace_name = "*";
};

// kInvalidArgument: what is wrong, in a line.
Result<Flags> parse_flags(const std::vector<std::string>& arguments);

extern const char kUsage[];

}  // namespace msb::server
