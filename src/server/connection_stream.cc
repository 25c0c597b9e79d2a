// SPDX-License-Identifier: Apache-2.0
//
// A call whose output goes to the client as it comes, a line of JSON each, with the JSON-RPC
// response as the last line. The status line waits for the first output: a call that fails before
// it fails like any other.
#include <utility>

#include "server/call_stream.h"
#include "server/connection.h"

namespace msb::server {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// What the call's threads and the coroutine share. The reply and the timer are the coroutine's:
// what is posted to it comes in order, the reply last, so that no wake meets a call that is over.
struct StreamedCall {
  explicit StreamedCall(const asio::any_io_executor& executor)
      : woken(executor),
        lines([this, executor] { asio::post(executor, [this] { woken.cancel(); }); }) {}

  asio::steady_timer woken;
  CallStream lines;
  std::optional<LateReply> reply;
};

Delivery delivery_for(const RequestHead& head) {
  return head.accept && head.accept->find(rpc::kLinesInPortions) != std::string::npos
             ? Delivery::kInPortions
             : Delivery::kPrompt;
}

CallHooks hooks_of(StreamedCall& streamed, Delivery delivery, std::stop_token stop) {
  CallHooks hooks;
  hooks.delivery = delivery;
  hooks.stop = std::move(stop);
  hooks.output = CallHooks::Output::kStreamed;
  hooks.on_output = [&streamed](rpc::Stream stream, std::string_view bytes) {
    streamed.lines.add_output(stream, bytes);
  };
  hooks.on_process = [&streamed](const std::string& id) { streamed.lines.add({{"process", id}}); };
  return hooks;
}

}  // namespace

asio::awaitable<bool> Connection::stream_call(const RequestHead& head, RpcCall call) {
  const auto executor = co_await asio::this_coro::executor;
  const Method method = call.method;
  const auto streamed = std::make_shared<StreamedCall>(executor);
  std::stop_source stop;
  WorkerPool::Task task = [executor, streamed, &methods = service_.methods,
                           delivery = delivery_for(head), call = std::move(call),
                           token = stop.get_token()] {
    LateReply reply = call.run_late(methods, hooks_of(*streamed, delivery, token));
    asio::post(executor, [streamed, reply = std::move(reply)]() mutable {
      streamed->reply = std::move(reply);
      streamed->woken.cancel();
    });
  };
  if (!pools_.runs.try_post(std::move(task))) {
    co_return co_await respond(head, busy_response());
  }
  bool begun = false;
  bool connected = true;
  std::string text = streamed->lines.take();
  while (!streamed->reply) {
    if (!text.empty() && connected) {
      if (!begun) {
        begun = true;
        connected = co_await begin_stream(head, rpc::kLinesMediaType);
      }
      if (connected) {
        connected = co_await send_piece(std::move(text));
      }
      if (!connected) {
        streamed->lines.close();
        stop.request_stop();
      }
    } else {
      streamed->woken.expires_after(kLookUpTime);
      co_await streamed->woken.async_wait(kAwait);
      look_up(stop, connected);
    }
    text = streamed->lines.take();
  }
  service_.statistics.count_call(name_of(method), streamed->reply->whole.code,
                                 Clock::now() - begun_);
  co_return co_await finish_lines(head, *streamed->reply, std::move(text), begun, connected);
}

asio::awaitable<bool> Connection::finish_lines(const RequestHead& head, const LateReply& late,
                                               std::string text, bool begun, bool connected) {
  constexpr int kOk = 200;
  if (!begun && (late.whole.status != kOk || text.empty())) {
    Response response;
    response.reply = late.whole;
    if (late.whole.status == kOk) {
      response.reply.body += '\n';
      response.content_type = rpc::kLinesMediaType;
    }
    co_return co_await respond(head, std::move(response));
  }
  text += late.last_line + "\n";
  if (!begun) {
    // All of it is known: it needs no chunks.
    Response response;
    response.reply = {.status = kOk, .code = 0, .body = std::move(text)};
    response.content_type = rpc::kLinesMediaType;
    co_return co_await respond(head, std::move(response));
  }
  if (connected) {
    connected = co_await send_piece(std::move(text));
  }
  if (connected) {
    connected = co_await end_stream();
  }
  entry_.status = kOk;
  entry_.code = late.whole.code;
  entry_.outcome = !connected ? "disconnected" : late.whole.status == kOk ? "ok" : "failed";
  log(head);
  co_return connected&& keeps_alive_;
}

}  // namespace msb::server
