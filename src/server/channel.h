// SPDX-License-Identifier: Apache-2.0
//
// A connection's bytes, in the clear or in TLS, as one stream to read from and write to.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl.hpp>
#include <memory>
#include <utility>

namespace msb::server {

class Channel {
 public:
  using executor_type = boost::beast::tcp_stream::executor_type;

  explicit Channel(boost::beast::tcp_stream stream)
      : plain_(std::make_unique<boost::beast::tcp_stream>(std::move(stream))) {}
  Channel(boost::beast::tcp_stream stream, boost::asio::ssl::context& tls)
      : tls_(std::make_unique<Tls>(std::move(stream), tls)) {}

  bool has_tls() const { return tls_ != nullptr; }
  // Deadlines and the socket itself.
  boost::beast::tcp_stream& lowest_layer() { return tls_ ? tls_->next_layer() : *plain_; }
  executor_type get_executor() { return lowest_layer().get_executor(); }

  template <typename Token>
  auto async_handshake(Token&& token) {
    return tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Token>(token));
  }
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                : plain_->async_read_some(buffers, std::forward<Token>(token));
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
                : plain_->async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  using Tls = boost::beast::ssl_stream<boost::beast::tcp_stream>;

  std::unique_ptr<boost::beast::tcp_stream> plain_;
  std::unique_ptr<Tls> tls_;  // one of the two
};

}  // namespace msb::server
