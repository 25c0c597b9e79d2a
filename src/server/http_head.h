// SPDX-License-Identifier: Apache-2.0
//
// From the library's parsed header to ours. Whatever two readers of one request could understand
// differently is refused here; the library's parser refuses the rest.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <expected>

#include "server/edge.h"

namespace msb::server {

using HttpHeader = boost::beast::http::header<true, boost::beast::http::fields>;

std::expected<RequestHead, Response> head_of(const HttpHeader& header);

// The body comes in chunks.
bool is_chunked(const HttpHeader& header);
// The client waits for "100 Continue" before it sends the body.
bool expects_continue(const HttpHeader& header);

}  // namespace msb::server
