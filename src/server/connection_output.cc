// SPDX-License-Identifier: Apache-2.0
//
// Responses, whole or as server-sent events.
#include <utility>

#include "server/connection.h"

namespace msb::server {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kKeepAliveTime{15};

}  // namespace

asio::awaitable<bool> Connection::respond(const RequestHead& head, Response response) {
  const int status = response.reply.status;
  constexpr int kNoContent = 204;
  FieldList fields = std::move(response.fields);
  if (!response.content_type.empty()) {
    fields.emplace_back("Content-Type", response.content_type);
  }
  if (status != kNoContent) {
    fields.emplace_back("Content-Length", std::to_string(response.reply.body.size()));
  }
  const std::string text = head_text(head, status, fields);
  const std::string_view body = head.verb == "HEAD" ? std::string_view() : response.reply.body;
  const bool written = co_await write(text, body, {});
  entry_.status = status;
  entry_.code = response.reply.code;
  constexpr int kFirstRefusal = 400;
  constexpr int kFirstFailure = 500;
  entry_.outcome = !written                 ? "disconnected"
                   : status < kFirstRefusal ? "ok"
                   : status < kFirstFailure ? "refused"
                                            : "failed";
  log(head);
  co_return written&& keeps_alive_;
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
  bool connected = co_await begin_stream(head, "text/event-stream");
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
    connected = co_await end_stream();
  }
  co_return connected&& keeps_alive_;
}

asio::awaitable<bool> Connection::listen(const RequestHead& head, McpListen listening) {
  const bool begun = co_await begin_stream(head, "text/event-stream");
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
      const bool written = co_await send_piece(":\n\n");
      if (!written) {
        co_return false;
      }
    }
  }
  entry_.status = 200;
  entry_.outcome = "ok";
  log(head);
  const bool ended_well = co_await end_stream();
  co_return ended_well&& keeps_alive_;
}

asio::awaitable<bool> Connection::send_event(std::string_view text) {
  co_return co_await send_piece("event: message\ndata: " + std::string(text) + "\n\n");
}

}  // namespace msb::server
