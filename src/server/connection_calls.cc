// SPDX-License-Identifier: Apache-2.0
//
// From a body to the answer: what is called runs in a pool, and is looked after from here.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <optional>
#include <utility>
#include <variant>

#include "rpc/output_line.h"
#include "server/connection.h"
#include "server/rpc_http.h"

namespace msb::server {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

// What is parsed at once; more would keep the other connections waiting.
constexpr std::size_t kMaxInlineBytes = 64 * 1024;

}  // namespace

bool peer_is_gone(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state != TCP_ESTABLISHED;
}

asio::awaitable<Response> Connection::metrics_page() {
  const auto executor = co_await asio::this_coro::executor;
  const auto pending = begin(pools_.quick, executor, [&service = service_] {
    const auto sandboxes = service.backend.metrics("*");
    return service.statistics.exposition(
        sandboxes ? *sandboxes : std::vector<rpc::SandboxMetrics>(), service.backend.spares());
  });
  if (!pending) {
    co_return busy_response();
  }
  co_await wait(pending);
  Response page = json_response(200, *std::move(pending->value));
  page.content_type = "text/plain; version=0.0.4";
  co_return page;
}

void Connection::look_up(std::stop_source& stop, bool ends_with_client) {
  if (service_.is_out_of_time() ||
      (ends_with_client && peer_is_gone(lowest().socket().native_handle()))) {
    stop.request_stop();
  }
}

asio::awaitable<bool> Connection::answer_rpc(const RequestHead& head, const Passage& passage,
                                             std::string body) {
  const auto executor = co_await asio::this_coro::executor;
  std::variant<Response, RpcCall> step;
  if (body.size() <= kMaxInlineBytes) {
    step = prepare_rpc(passage.route, passage.claims, body, entry_);
  } else {
    const auto parsed = begin(pools_.quick, executor, [&passage, &body, this] {
      return prepare_rpc(passage.route, passage.claims, body, entry_);
    });
    if (!parsed) {
      co_return co_await respond(head, busy_response());
    }
    co_await wait(parsed);
    step = *std::move(parsed->value);
  }
  if (auto* refused = std::get_if<Response>(&step)) {
    co_return co_await respond(head, std::move(*refused));
  }
  RpcCall& call = std::get<RpcCall>(step);
  constexpr unsigned kHttp11 = 11;
  if (version_ == kHttp11 && has_output(call.method) &&
      accepts(head.accept, rpc::kLinesMediaType)) {
    co_return co_await stream_call(head, std::move(call));
  }
  Response response = co_await run_call(std::move(call));
  co_return co_await respond(head, std::move(response));
}

asio::awaitable<Response> Connection::run_call(RpcCall call) {
  const auto executor = co_await asio::this_coro::executor;
  const Method method = call.method;
  // A start goes on without its client, who will ask again; a run is of no use to anybody else.
  const bool ends_with_client = has_output(method);
  std::stop_source stop;
  const auto pending =
      begin(is_long(method) ? pools_.runs : pools_.quick, executor,
            [&methods = service_.methods, call = std::move(call), token = stop.get_token()] {
              CallHooks hooks;
              hooks.stop = token;
              hooks.delivery = Delivery::kInPortions;  // nobody sees it before the end
              return call.run(methods, hooks);
            });
  if (!pending) {
    co_return busy_response();
  }
  while (!pending->value) {
    pending->woken.expires_after(kLookUpTime);
    co_await pending->woken.async_wait(kAwait);
    if (!pending->value) {
      look_up(stop, ends_with_client);
    }
  }
  service_.statistics.count_call(name_of(method), pending->value->code, Clock::now() - begun_);
  Response response;
  response.reply = *std::move(pending->value);
  co_return response;
}

asio::awaitable<bool> Connection::answer_mcp(const RequestHead& head, rpc::Claims claims,
                                             std::string body) {
  const auto executor = co_await asio::this_coro::executor;
  McpHttp::Step step;
  if (body.size() <= kMaxInlineBytes) {
    step = service_.mcp.handle(head, claims, body);
  } else {
    const auto handled = begin(pools_.quick, executor, [&head, &claims, &body, this] {
      return service_.mcp.handle(head, claims, body);
    });
    if (!handled) {
      co_return co_await respond(head, busy_response());
    }
    co_await wait(handled);
    step = *std::move(handled->value);
  }
  if (auto* ready = std::get_if<Response>(&step)) {
    co_return co_await respond(head, std::move(*ready));
  }
  if (auto* listening = std::get_if<McpListen>(&step)) {
    co_return co_await listen(head, std::move(*listening));
  }
  McpCall& call = std::get<McpCall>(step);
  describe(entry_, call.description());
  constexpr unsigned kHttp11 = 11;
  if (call.streams && version_ == kHttp11) {
    co_return co_await stream_tool(head, std::move(call));
  }
  Response response = co_await call_tool(std::move(call));
  co_return co_await respond(head, std::move(response));
}

asio::awaitable<Response> Connection::call_tool(McpCall call) {
  const auto executor = co_await asio::this_coro::executor;
  std::stop_source stop = call.stop;
  const bool ends_with_client = call.ends_with_client;
  const std::string label = call.label();
  const auto pending =
      begin(pools_.runs, executor, [call = std::move(call)] { return rpc::to_text(call.run()); });
  if (!pending) {
    co_return busy_response();
  }
  while (!pending->value) {
    pending->woken.expires_after(kLookUpTime);
    co_await pending->woken.async_wait(kAwait);
    if (!pending->value) {
      look_up(stop, ends_with_client);
    }
  }
  service_.statistics.count_call(label, 0, Clock::now() - begun_);
  co_return json_response(200, *std::move(pending->value));
}

}  // namespace msb::server
