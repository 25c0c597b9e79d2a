// SPDX-License-Identifier: Apache-2.0
//
// Responses, whole or as server-sent events.
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "server/connection.h"

namespace msb::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kKeepAliveTime{15};

}  // namespace

asio::awaitable<bool> Connection::respond(const RequestHead& head, Response response) {
  const int status = response.reply.status;
  http::response<http::string_body> message{http::int_to_status(static_cast<unsigned>(status)),
                                            version_};
  for (const auto& [name, value] : service_.edge.common_fields(head)) {
    message.set(beast::string_view(name.data(), name.size()), value);
  }
  for (const auto& [name, value] : response.fields) {
    message.set(beast::string_view(name.data(), name.size()), value);
  }
  if (!response.content_type.empty()) {
    message.set(http::field::content_type,
                beast::string_view(response.content_type.data(), response.content_type.size()));
  }
  constexpr int kNoContent = 204;
  keeps_alive_ = keeps_alive_ && !service_.is_draining();
  message.keep_alive(keeps_alive_);
  message.body() = std::move(response.reply.body);
  if (status != kNoContent) {
    message.content_length(message.body().size());
  }
  lowest().expires_after(service_.options.limits.write_time);
  error_code failed;
  if (head.verb == "HEAD") {
    http::response_serializer<http::string_body> serializer{message};
    const auto [not_written, size] = co_await http::async_write_header(stream_, serializer, kAwait);
    failed = not_written;
  } else {
    const auto [not_written, size] = co_await http::async_write(stream_, message, kAwait);
    failed = not_written;
  }
  entry_.status = status;
  entry_.code = response.reply.code;
  constexpr int kFirstRefusal = 400;
  constexpr int kFirstFailure = 500;
  entry_.outcome = failed                   ? "disconnected"
                   : status < kFirstRefusal ? "ok"
                   : status < kFirstFailure ? "refused"
                                            : "failed";
  log(head);
  co_return !failed && keeps_alive_;
}

asio::awaitable<bool> Connection::stream_tool(const RequestHead& head, McpCall call) {
  const auto executor = co_await asio::this_coro::executor;
  std::stop_source stop = call.stop;
  const auto progress = call.progress;
  const bool ends_with_client = call.ends_with_client;
  const std::string label = call.label();
  const auto pending =
      begin(pools_.runs, executor, [call = std::move(call)] { return rpc::to_text(call.run()); });
  if (!pending) {
    co_return co_await respond(head, busy_response());
  }
  bool connected = co_await begin_events(head);
  while (!pending->value) {
    pending->woken.expires_after(kLookUpTime);
    co_await pending->woken.async_wait(kAwait);
    if (pending->value) {
      break;
    }
    look_up(stop, ends_with_client);
    if (const auto news = progress->next(); news && connected) {
      connected = co_await send_event(rpc::to_text(*news));
    }
  }
  service_.statistics.count_call(label, 0, Clock::now() - begun_);
  entry_.status = 200;
  entry_.outcome = connected ? "ok" : "disconnected";
  log(head);
  if (connected) {
    connected = co_await send_event(*pending->value);
  }
  if (connected) {
    connected = co_await end_events();
  }
  co_return connected&& keeps_alive_;
}

asio::awaitable<bool> Connection::listen(const RequestHead& head, McpListen listening) {
  const bool begun = co_await begin_events(head);
  if (!begun) {
    co_return false;
  }
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  auto last_sign = Clock::now();
  const std::stop_token ended = listening.session->ended();
  while (!ended.stop_requested() && !service_.is_draining() &&
         !peer_is_gone(lowest().socket().native_handle())) {
    timer.expires_after(std::chrono::seconds(1));
    co_await timer.async_wait(kAwait);
    if (Clock::now() - last_sign >= kKeepAliveTime) {
      last_sign = Clock::now();
      lowest().expires_after(service_.options.limits.write_time);
      const std::string_view sign = ":\n\n";
      const auto [failed, size] = co_await asio::async_write(
          stream_, http::make_chunk(asio::buffer(sign.data(), sign.size())), kAwait);
      if (failed) {
        co_return false;
      }
      lowest().expires_never();
    }
  }
  entry_.status = 200;
  entry_.outcome = "ok";
  log(head);
  const bool ended_well = co_await end_events();
  co_return ended_well&& keeps_alive_;
}

asio::awaitable<error_code> Connection::write_header(http::response<http::empty_body>& message) {
  http::response_serializer<http::empty_body> serializer{message};
  const auto [failed, size] = co_await http::async_write_header(stream_, serializer, kAwait);
  co_return failed;
}

asio::awaitable<bool> Connection::begin_events(const RequestHead& head) {
  http::response<http::empty_body> message{http::status::ok, version_};
  message.set(http::field::content_type, "text/event-stream");
  message.set(http::field::cache_control, "no-cache");
  // Proxies would keep events back to send more of them at once.
  message.set("X-Accel-Buffering", "no");
  for (const auto& [name, value] : service_.edge.common_fields(head)) {
    message.set(beast::string_view(name.data(), name.size()), value);
  }
  message.keep_alive(keeps_alive_);
  message.chunked(true);
  lowest().expires_after(service_.options.limits.write_time);
  const error_code failed = co_await write_header(message);
  lowest().expires_never();
  co_return !failed;
}

asio::awaitable<bool> Connection::send_event(std::string_view text) {
  const std::string event = "event: message\ndata: " + std::string(text) + "\n\n";
  lowest().expires_after(service_.options.limits.write_time);
  const auto [failed, size] =
      co_await asio::async_write(stream_, http::make_chunk(asio::buffer(event)), kAwait);
  lowest().expires_never();
  co_return !failed;
}

asio::awaitable<bool> Connection::end_events() {
  lowest().expires_after(service_.options.limits.write_time);
  const auto [failed, size] = co_await asio::async_write(stream_, http::make_chunk_last(), kAwait);
  co_return !failed;
}

}  // namespace msb::server
