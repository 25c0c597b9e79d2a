// SPDX-License-Identifier: Apache-2.0
#include "server/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <optional>
#include <utility>

#include "server/health.h"
#include "server/http_head.h"

namespace msb::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxBufferBytes = 64 * 1024;
// Of a refused request: as much is read away to keep the connection.
constexpr std::uint64_t kMaxIgnoredBytes = 256 * 1024;
constexpr std::chrono::milliseconds kLingerTime{2'000};

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Counts a call for as long as it runs.
class RunningCount {
 public:
  explicit RunningCount(Statistics& statistics) : statistics_(statistics) {
    statistics_.add_running(1);
  }
  RunningCount(const RunningCount&) = delete;
  RunningCount& operator=(const RunningCount&) = delete;
  ~RunningCount() { statistics_.add_running(-1); }

 private:
  Statistics& statistics_;
};

}  // namespace

Connection::Connection(Channel channel, Service& service, Pools& pools, std::string peer)
    : stream_(std::move(channel)),
      service_(service),
      pools_(pools),
      peer_(std::move(peer)),
      buffer_(kMaxBufferBytes) {
  service_.connections.insert(this);
  service_.statistics.add_connections(1);
}

Connection::~Connection() {
  service_.connections.erase(this);
  service_.statistics.add_connections(-1);
}

void Connection::close_when_idle() {
  if (is_idle_) {
    lowest().cancel();
  }
}

asio::awaitable<bool> Connection::handshake() {
  if (!stream_.has_tls()) {
    co_return true;
  }
  lowest().expires_after(service_.options.limits.header_time);
  const auto [failed] = co_await stream_.async_handshake(kAwait);
  co_return !failed;
}

asio::awaitable<void> Connection::run() {
  // Step by step: g++ 12 miscompiles co_await under && and in conditions of loops.
  bool goes_on = co_await handshake();
  while (goes_on) {
    goes_on = co_await read_first_bytes();
    if (goes_on) {
      goes_on = co_await exchange();
    }
  }
  error_code ignored;
  lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<bool> Connection::read_first_bytes() {
  if (buffer_.size() > 0) {
    co_return true;  // the client did not wait for the answer
  }
  if (service_.is_draining()) {
    co_return false;
  }
  is_idle_ = true;
  lowest().expires_after(service_.options.limits.idle_time);
  constexpr std::size_t kFirstBytes = 4096;
  const auto [failed, size] =
      co_await stream_.async_read_some(buffer_.prepare(kFirstBytes), kAwait);
  is_idle_ = false;
  buffer_.commit(size);
  co_return !failed;
}

asio::awaitable<bool> Connection::exchange() {
  begun_ = Clock::now();
  entry_ = AccessEntry();
  entry_.request = ++service_.requests;
  entry_.peer = peer_;
  Parser parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(boost::none);  // known when the caller is
  lowest().expires_after(service_.options.limits.header_time);
  const auto [failed, size] = co_await http::async_read_header(stream_, buffer_, parser, kAwait);
  keeps_alive_ = false;
  if (failed) {
    const RequestHead head;
    if (failed == beast::error::timeout) {
      co_await respond(head, protocol_failure(408, "the header took too long"));
    } else if (failed == http::error::header_limit || failed == http::error::buffer_overflow) {
      co_await respond(head, protocol_failure(431, "the header is too large"));
    } else if (failed.category() == http::make_error_code(http::error::bad_method).category() &&
               failed != http::error::end_of_stream && failed != http::error::partial_message) {
      co_await respond(head, protocol_failure(400, "malformed HTTP request"));
    } else {
      co_return false;
    }
    co_await linger();
    co_return false;
  }
  version_ = parser.get().version();
  const auto head = head_of(parser.get());
  if (!head) {
    co_await respond(RequestHead(), head.error());
    co_await linger();
    co_return false;
  }
  keeps_alive_ = parser.keep_alive();
  entry_.verb = head->verb;
  entry_.path = path_of(head->target);
  auto passage = service_.edge.judge(*head, unix_seconds());
  if (!passage) {
    co_return co_await refuse(parser, *head, std::move(passage).error());
  }
  // Held until the answer is written: a call keeps what it was sent.
  BodyBudget::Share share(service_.bodies);
  const bool has_body = co_await read_body(parser, *head, share);
  if (!has_body) {
    co_return false;
  }
  co_return co_await answer(parser, *head, *passage);
}

asio::awaitable<bool> Connection::refuse(Parser& parser, const RequestHead& head,
                                         Response response) {
  // The body of a stranger is not kept, and read away only if it is short and on its way already.
  const std::uint64_t size_bytes = head.content_length.value_or(0);
  const bool is_short = !is_chunked(parser.get()) && size_bytes <= kMaxIgnoredBytes &&
                        !expects_continue(parser.get());
  if (is_short) {
    lowest().expires_after(service_.options.limits.header_time);
    const bool is_gone = co_await discard(size_bytes);
    if (!is_gone) {
      co_return false;
    }
    co_return co_await respond(head, std::move(response));
  }
  keeps_alive_ = false;
  co_await respond(head, std::move(response));
  co_await linger();
  co_return false;
}

asio::awaitable<bool> Connection::discard(std::uint64_t size_bytes) {
  std::array<char, 16 * 1024> discarded;
  while (size_bytes > 0) {
    if (const std::size_t here = std::min<std::uint64_t>(buffer_.size(), size_bytes); here > 0) {
      buffer_.consume(here);
      size_bytes -= here;
      continue;
    }
    const std::size_t most = std::min<std::uint64_t>(discarded.size(), size_bytes);
    const auto [failed, size] =
        co_await stream_.async_read_some(asio::buffer(discarded.data(), most), kAwait);
    if (failed) {
      co_return false;
    }
    size_bytes -= size;
  }
  co_return true;
}

asio::awaitable<bool> Connection::read_body(Parser& parser, const RequestHead& head,
                                            BodyBudget::Share& share) {
  if (parser.is_done()) {
    co_return true;
  }
  lowest().expires_after(service_.options.limits.body_time);
  if (expects_continue(parser.get())) {
    const bool asked = co_await write("HTTP/1.1 100 Continue\r\n\r\n", {}, {});
    if (!asked) {
      co_return false;
    }
    lowest().expires_after(service_.options.limits.body_time);
  }
  const std::size_t max_bytes = head.verb == "POST" ? kMaxBodyBytes : kMaxIgnoredBytes;
  parser.body_limit(max_bytes);
  parser.eager(true);
  error_code failed;
  bool has_room = true;
  while (!failed && has_room && !parser.is_done()) {
    const auto [read_failed, size] =
        co_await http::async_read_some(stream_, buffer_, parser, kAwait);
    failed = read_failed;
    has_room = share.grow_to(parser.get().body().size());
  }
  if (!failed && has_room) {
    co_return true;
  }
  keeps_alive_ = false;
  if (!has_room) {
    co_await respond(head, no_room_response());
  } else if (failed == http::error::body_limit) {
    co_await respond(head, too_large_response());
  } else if (failed == beast::error::timeout) {
    co_await respond(head, protocol_failure(408, "the body took too long"));
  } else if (failed != http::error::partial_message && failed != asio::error::eof &&
             failed != asio::error::connection_reset) {
    co_await respond(head, protocol_failure(400, "malformed HTTP body"));
  } else {
    co_return false;
  }
  co_await linger();
  co_return false;
}

asio::awaitable<bool> Connection::answer(Parser& parser, const RequestHead& head,
                                         const Passage& passage) {
  // A call has no deadline here: its own is the caller's to give.
  lowest().expires_never();
  std::string body = std::move(parser.get().body());
  const RunningCount running(service_.statistics);
  Response response;
  switch (passage.route) {
    case Route::kPreflight:
      co_return co_await respond(head, preflight_response());
    case Route::kHealth:
      co_return co_await respond(head, json_response(200, health_text(service_.options.version)));
    case Route::kReady:
      co_return co_await respond(head, readiness_response(!service_.is_draining()));
    case Route::kMetrics:
      response = co_await metrics_page();
      co_return co_await respond(head, std::move(response));
    case Route::kRpc:
    case Route::kRpcAlias:
      co_return co_await answer_rpc(head, passage, std::move(body));
    case Route::kMcp:
      co_return co_await answer_mcp(head, passage.claims, std::move(body));
  }
  co_return false;
}

void Connection::log(const RequestHead& head) {
  service_.statistics.count_response(entry_.status);
  if (service_.options.log) {
    entry_.verb = head.verb;
    entry_.duration = Clock::now() - begun_;
    service_.options.log(encode(entry_, std::chrono::system_clock::now()));
  }
}

// Closing at once would reset the connection while the client still sends, and it might never see
// the answer.
asio::awaitable<void> Connection::linger() {
  error_code ignored;
  lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  constexpr std::size_t kMaxLingerBytes = 4 * 1024 * 1024;
  lowest().expires_after(kLingerTime);
  std::array<char, 16 * 1024> discarded;
  std::size_t total = 0;
  while (total < kMaxLingerBytes) {
    const auto [failed, size] = co_await lowest().async_read_some(asio::buffer(discarded), kAwait);
    if (failed) {
      co_return;
    }
    total += size;
  }
}

asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket, asio::ssl::context* tls,
                                       Service& service, Pools& pools) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto endpoint = socket.remote_endpoint(ignored);
  const std::string peer = ignored ? std::string() : endpoint.address().to_string();
  beast::tcp_stream stream(std::move(socket));
  Connection connection(
      tls == nullptr ? Channel(std::move(stream)) : Channel(std::move(stream), *tls), service,
      pools, peer);
  co_await connection.run();
}

}  // namespace msb::server
