// SPDX-License-Identifier: Apache-2.0
#include "server/http_head.h"

#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <cstdint>
#include <utility>

#include "base/parse.h"

namespace msb::server {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr unsigned kHttp10 = 10;
constexpr unsigned kHttp11 = 11;

std::unexpected<Response> refused(int status, const char* text) {
  rpc::Reply reply = rpc::failure_reply(rpc::Failure::kMalformedJson, text);
  reply.status = status;
  return std::unexpected(Response{.reply = std::move(reply), .fields = {}});
}

std::optional<std::string> value_of(const HttpHeader& header, beast::string_view name) {
  const auto found = header.find(name);
  return found == header.end() ? std::nullopt : std::optional<std::string>(found->value());
}

// A field that has one meaning may stand once.
constexpr std::array<const char*, 12> kSingleFields = {"Host",           "Origin",
                                                       "Authorization",  "Proxy-Authorization",
                                                       "Content-Type",   "Expect",
                                                       "Content-Length", "Transfer-Encoding",
                                                       "Mcp-Session-Id", "Mcp-Protocol-Version",
                                                       "Mcp-Method",     "Mcp-Name"};

}  // namespace

void RequestParser::on_field_impl(http::field name, beast::string_view name_text,
                                  beast::string_view value, boost::system::error_code& failed) {
  // As it came, a value stands behind its name; a joined one stands in a buffer of the library's.
  // SAFETY: compared as numbers, because they may be of different objects.
  const auto name_at = reinterpret_cast<std::uintptr_t>(name_text.data());
  const auto value_at = reinterpret_cast<std::uintptr_t>(value.data());
  if (value_at < name_at || value_at - name_at > kMaxHeaderBytes) {
    failed = http::error::bad_obs_fold;
    return;
  }
  get().insert(name, name_text, value);
}

std::expected<RequestHead, Response> head_of(const HttpHeader& header) {
  if (header.version() != kHttp10 && header.version() != kHttp11) {
    return refused(505, "this server speaks HTTP/1.1 and HTTP/1.0");
  }
  for (const char* name : kSingleFields) {
    if (header.count(name) > 1) {
      return refused(400, "a header field stands twice that may stand once");
    }
  }
  if (header.find(http::field::transfer_encoding) != header.end()) {
    // The parser takes a body in any other coding for none: the next request would begin in it.
    if (!is_chunked(header) || header.version() != kHttp11 ||
        header.find(http::field::content_length) != header.end()) {
      return refused(400, "Transfer-Encoding must be chunked, and without a Content-Length");
    }
  }
  if (header.version() == kHttp11 && header.find(http::field::host) == header.end()) {
    return refused(400, "the Host header is missing");
  }
  RequestHead head;
  head.verb = header.method_string();
  head.target = header.target();
  head.host = value_of(header, "Host");
  head.origin = value_of(header, "Origin");
  head.authorization = value_of(header, "Authorization");
  head.proxy_authorization = value_of(header, "Proxy-Authorization");
  head.content_type = value_of(header, "Content-Type");
  head.mcp_session = value_of(header, "Mcp-Session-Id");
  head.mcp = {.revision = value_of(header, "Mcp-Protocol-Version"),
              .method = value_of(header, "Mcp-Method"),
              .name = value_of(header, "Mcp-Name")};
  // A list may come in several lines.
  const auto [first, last] = header.equal_range("Accept");
  for (auto accept = first; accept != last; ++accept) {
    head.accept = head.accept ? *head.accept + "," + std::string(accept->value())
                              : std::string(accept->value());
  }
  if (const auto length = value_of(header, "Content-Length")) {
    head.content_length = base::parse_number<std::uint64_t>(*length);
    if (!head.content_length) {
      return refused(400, "Content-Length must be a number");
    }
  }
  return head;
}

bool is_chunked(const HttpHeader& header) {
  return beast::iequals(header[http::field::transfer_encoding], "chunked");
}

bool expects_continue(const HttpHeader& header) {
  return header.version() == kHttp11 && beast::iequals(header[http::field::expect], "100-continue");
}

}  // namespace msb::server
