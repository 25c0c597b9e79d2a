// SPDX-License-Identifier: Apache-2.0
//
// Who may do what. With a server key every call needs an API key that it has signed, and a key
// reaches the sandboxes of its own namespace only. In dev mode there are no keys, so what protects
// the sandboxes from web pages is that requests must be made to and from this host by name.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "rpc/json.h"
#include "rpc/reply.h"
#include "rpc/token.h"

namespace msb::server {

class Access {
 public:
  // Nothing: dev mode.
  explicit Access(std::optional<std::string> server_key) : server_key_(std::move(server_key)) {}

  bool is_dev_mode() const { return !server_key_; }

  struct Credentials {
    std::optional<std::string_view> proxy_authorization;
    std::optional<std::string_view> authorization;
  };
  // What the caller may do, or the reply that refuses it.
  std::expected<rpc::Claims, rpc::Reply> authenticate(const Credentials& credentials,
                                                      std::int64_t now_unix_seconds) const;

  // Dev mode only: refuses names of other hosts (DNS rebinding) and pages of other origins.
  std::optional<rpc::Reply> check_origin(std::optional<std::string_view> host,
                                         std::optional<std::string_view> origin) const;

 private:
  const std::optional<std::string> server_key_;
};

// Refuses a JSON-RPC body that a scoped key may not send. `body` is as it came, not yet known to be
// a request.
std::optional<rpc::Reply> check_scope(const rpc::Claims& claims, const rpc::Json& body);

// "localhost", an address of 127/8 or [::1], with a port or without.
bool is_loopback_authority(std::string_view authority);

}  // namespace msb::server
