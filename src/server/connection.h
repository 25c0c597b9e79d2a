// SPDX-License-Identifier: Apache-2.0
//
// One connection, as one coroutine on the server's I/O thread:
//
//   [idle] ─► header ─► judge ─► body ─► prepare ─► run (in a pool) ─► respond ─► [idle]
//                         │refused: respond, and read the rest of the body away or close
//
// Each step has its own deadline, so a client that is slow, in whatever way, costs a connection and
// nothing else. While a call runs the coroutine looks up a few times a second: whether the client
// is still there, whether there is progress to tell, whether the server is shutting down.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "server/channel.h"
#include "server/http_head.h"
#include "server/pending.h"
#include "server/rpc_http.h"
#include "server/service.h"

namespace msb::server {

// The pools that calls run in.
struct Pools {
  WorkerPool quick;  // never waits for a guest
  WorkerPool runs;   // waits for as long as guests like
};

// How often a running call is looked after.
inline constexpr std::chrono::milliseconds kLookUpTime{250};

class Connection final : public OpenConnection {
 public:
  Connection(Channel channel, Service& service, Pools& pools, std::string peer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  // Serves it to its end.
  boost::asio::awaitable<void> run();
  void close_when_idle() override;

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  using Parser = RequestParser;

  boost::beast::tcp_stream& lowest() { return stream_.lowest_layer(); }

  // connection.cc
  Awaitable<bool> handshake();
  Awaitable<bool> read_first_bytes();
  Awaitable<bool> exchange();
  Awaitable<bool> refuse(Parser& parser, const RequestHead& head, Response response);
  Awaitable<bool> read_body(Parser& parser, const RequestHead& head, BodyBudget::Share& share);
  Awaitable<bool> discard(std::uint64_t size_bytes);
  Awaitable<bool> answer(Parser& parser, const RequestHead& head, const Passage& passage);
  Awaitable<void> linger();

  // connection_calls.cc
  Awaitable<bool> answer_rpc(const RequestHead& head, const Passage& passage, std::string body);
  Awaitable<Response> run_call(RpcCall call);
  Awaitable<bool> answer_mcp(const RequestHead& head, rpc::Claims claims, std::string body);
  Awaitable<Response> call_tool(McpCall call);
  // While a call runs: cancels it where nobody waits for it any more.
  void look_up(std::stop_source& stop, bool ends_with_client);
  Awaitable<Response> metrics_page();

  // connection_stream.cc
  Awaitable<bool> stream_call(const RequestHead& head, RpcCall call);
  Awaitable<bool> finish_lines(const RequestHead& head, const LateReply& late, std::string text,
                               bool begun, bool connected);

  // connection_output.cc
  Awaitable<bool> stream_tool(const RequestHead& head, McpCall call);
  Awaitable<bool> listen(const RequestHead& head, McpListen listen);
  Awaitable<bool> respond(const RequestHead& head, Response response);
  Awaitable<bool> send_event(std::string_view text);

  // connection_write.cc: false when the client is gone or too slow. What the views show must last
  // until then.
  Awaitable<bool> write(std::string_view head, std::string_view body, std::string_view end);
  std::string head_text(const RequestHead& head, int status, const FieldList& fields);
  Awaitable<bool> begin_stream(const RequestHead& head, std::string_view content_type);
  Awaitable<bool> send_piece(std::string text);
  Awaitable<bool> end_stream();
  void log(const RequestHead& head);

  Channel stream_;
  Service& service_;
  Pools& pools_;
  const std::string peer_;
  boost::beast::flat_buffer buffer_;
  bool is_idle_ = false;
  // Of the request at hand.
  unsigned version_ = 11;
  bool keeps_alive_ = false;
  std::chrono::steady_clock::time_point begun_;
  AccessEntry entry_;
};

// The peer has closed its side, whatever it sent before: that is how clients give up. Bytes that
// wait to be read do not hide it, as they would hide an end of file.
bool peer_is_gone(int socket);

// Serves one connection to its end. `tls` null: in the clear.
boost::asio::awaitable<void> serve_connection(boost::asio::ip::tcp::socket socket,
                                              boost::asio::ssl::context* tls, Service& service,
                                              Pools& pools);

}  // namespace msb::server
