// SPDX-License-Identifier: Apache-2.0
//
// Which server a verb speaks to, and with which key.
//
//   URL    --server, else $MSB_SERVER_URL, else the running server of this home, else the default
//   key    --api-key-file, else $MSB_API_KEY, else one made for the moment, if the server is that
//          of this home and its server.key can be read
//   CA     --ca-file, else the certificate of this home's server if it is that one, else
//          $SSL_CERT_FILE, else the system's
#pragma once

#include <string>
#include <string_view>

#include "base/server_record.h"
#include "cli/arguments.h"
#include "cli/context.h"
#include "msb/options.h"
#include "msb/result.h"

namespace msb::cli {

struct ConnectionFlags {
  std::string server_url;
  std::string api_key_file;
  std::string ca_file;
  std::string namespace_name = "default";

  enum class Namespaces { kOne, kOneOrAll };
  void add_to(Arguments& arguments, Namespaces namespaces);
};

// Options of an object that speaks to that server.
Result<SandboxOptions> connect(const Context& context, const ConnectionFlags& flags);

// The server of this home and no other, with a key of its own where that can be made. kNotFound:
// none runs.
Result<SandboxOptions> connect_to_own(const Context& context, const std::string& namespace_name);
Result<SandboxOptions> connect_to(const Context& context, const base::ServerRecord& server,
                                  const std::string& namespace_name);

// What a server, or the way to it, has failed at; says what can be done. Our exit status.
int say_remote_error(std::string_view verb, const Error& error, const SandboxOptions& where);

}  // namespace msb::cli
