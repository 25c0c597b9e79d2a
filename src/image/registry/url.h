// SPDX-License-Identifier: Apache-2.0
//
// What a request may go to. A registry is not trusted with more than its own host: where it sends
// us next (a redirect, a token service) must be no less protected than where we came from, and it
// cannot point us at services that listen on this machine only.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::image {

struct Url {
  // http or https only. kCorrupt.
  static Result<Url> parse(const std::string& text);

  std::string scheme;
  std::string host;  // lower case, without brackets
  std::string port;  // the scheme's own when none is written
  std::string text;  // as curl normalises it

  bool same_origin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

// "localhost", 127.0.0.0/8, ::1 and their spellings.
bool is_loopback(std::string_view host);

// Of this machine or its link: what only its own services should be asked by.
bool is_local_address(const sockaddr& address);

enum class PlainHttp { kLoopbackOnly, kAllowed };

// kPermissionDenied: plain HTTP to another machine; a host elsewhere that names a local address.
Result<> check_hop(const Url& from, const Url& to, PlainHttp plain_http);

// For a query: everything but letters, digits and -._~ as %XX.
std::string percent_encode(std::string_view text);

}  // namespace msb::image
