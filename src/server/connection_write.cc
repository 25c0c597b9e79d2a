// SPDX-License-Identifier: Apache-2.0
//
// Where bytes go out. Heads are written by Beast into text, and Asio's write is made once, for all
// kinds of response: each further kind of buffer would cost the compiler half a minute.
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <sstream>

#include "server/connection.h"

namespace msb::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

asio::awaitable<bool> Connection::write(std::string_view head, std::string_view body,
                                        std::string_view end) {
  const std::array pieces = {asio::const_buffer(head.data(), head.size()),
                             asio::const_buffer(body.data(), body.size()),
                             asio::const_buffer(end.data(), end.size())};
  lowest().expires_after(service_.options.limits.write_time);
  const auto [failed, size] = co_await asio::async_write(stream_, pieces, kAwait);
  lowest().expires_never();
  co_return !failed;
}

std::string Connection::head_text(const RequestHead& head, int status, const FieldList& fields) {
  http::response<http::empty_body> message{http::int_to_status(static_cast<unsigned>(status)),
                                           version_};
  const auto set = [&message](std::string_view name, const std::string& value) {
    message.set(beast::string_view(name.data(), name.size()), value);
  };
  for (const auto& [name, value] : service_.edge.common_fields(head)) {
    set(name, value);
  }
  for (const auto& [name, value] : fields) {
    set(name, value);
  }
  keeps_alive_ = keeps_alive_ && !service_.is_draining();
  message.keep_alive(keeps_alive_);
  std::ostringstream text;
  text << message.base();
  return std::move(text).str();
}

asio::awaitable<bool> Connection::begin_stream(const RequestHead& head,
                                               std::string_view content_type) {
  constexpr int kOk = 200;
  const std::string text = head_text(head, kOk,
                                     {{"Content-Type", std::string(content_type)},
                                      {"Cache-Control", "no-cache"},
                                      // Proxies would keep pieces back to send more at once.
                                      {"X-Accel-Buffering", "no"},
                                      {"Transfer-Encoding", "chunked"}});
  co_return co_await write(text, {}, {});
}

asio::awaitable<bool> Connection::send_piece(std::string text) {
  std::ostringstream size;
  size << std::hex << text.size() << "\r\n";
  const std::string size_line = std::move(size).str();
  co_return co_await write(size_line, text, "\r\n");
}

asio::awaitable<bool> Connection::end_stream() {
  co_return co_await write("0\r\n\r\n", {}, {});
}

}  // namespace msb::server
