// SPDX-License-Identifier: Apache-2.0
//
// From the library's parsed header to ours. Whatever two readers of one request could understand
// differently is refused here; the library's parser refuses the rest.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <expected>

#include "server/edge.h"

namespace msb::server {

// Of a request, all lines together.
inline constexpr std::uint32_t kMaxHeaderBytes = 16 * 1024;

using HttpHeader = boost::beast::http::header<true, boost::beast::http::fields>;

// The library's, but for folded lines, which it joins: some readers take what is behind the fold
// for a field of its own.
class RequestParser final
    : public boost::beast::http::request_parser<boost::beast::http::string_body> {
 private:
  void on_field_impl(boost::beast::http::field name, boost::beast::string_view name_text,
                     boost::beast::string_view value, boost::system::error_code& failed) override;
};

std::expected<RequestHead, Response> head_of(const HttpHeader& header);

// The body comes in chunks.
bool is_chunked(const HttpHeader& header);
// The client waits for "100 Continue" before it sends the body.
bool expects_continue(const HttpHeader& header);

}  // namespace msb::server
