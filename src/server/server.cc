// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "server/connection.h"
#include "server/service.h"

namespace msb::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kQuickThreads = 4;

Result<asio::ssl::context> make_tls(const ServerOptions& options) {
  asio::ssl::context tls(asio::ssl::context::tls_server);
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                  asio::ssl::context::no_tlsv1_1 | asio::ssl::context::single_dh_use);
  error_code failed;
  tls.use_certificate_chain_file(options.tls_certificate_file, failed);
  if (failed) {
    return fail(ErrorCode::kInvalidArgument,
                "TLS certificate " + options.tls_certificate_file + ": " + failed.message());
  }
  tls.use_private_key_file(options.tls_key_file, asio::ssl::context::pem, failed);
  if (failed) {
    return fail(ErrorCode::kInvalidArgument,
                "TLS key " + options.tls_key_file + ": " + failed.message());
  }
  return tls;
}

Result<tcp::endpoint> endpoint_of(const ServerOptions& options) {
  error_code failed;
  const auto address = asio::ip::make_address(options.host, failed);
  if (failed) {
    return fail(ErrorCode::kInvalidArgument, "Invalid host address: " + options.host);
  }
  if (!options.server_key && !address.is_loopback()) {
    return fail(ErrorCode::kInvalidArgument,
                "host " + options.host +
                    ": dev mode has no keys and listens on loopback only; "
                    "start without --dev, or with --host 127.0.0.1");
  }
  return tcp::endpoint(address, options.port);
}

Result<> listen_on(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  const auto check = [&](const error_code& failed, const char* call) -> Result<> {
    if (failed) {
      return fail(failed == asio::error::address_in_use ? ErrorCode::kConflict : ErrorCode::kIo,
                  std::string(call) + "(" + endpoint.address().to_string() + ":" +
                      std::to_string(endpoint.port()) + "): " + failed.message());
    }
    return {};
  };
  error_code failed;
  acceptor.open(endpoint.protocol(), failed);
  TRY(check(failed, "socket"));
  // A restart finds the port free although old connections linger.
  acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
  TRY(check(failed, "setsockopt"));
  acceptor.bind(endpoint, failed);
  TRY(check(failed, "bind"));
  acceptor.listen(asio::socket_base::max_listen_connections, failed);
  return check(failed, "listen");
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Backend& backend, std::optional<asio::ssl::context> tls)
      : service_(std::move(options), backend),
        tls_(std::move(tls)),
        acceptor_(io_),
        pools_(WorkerPool(kQuickThreads, service_.options.limits.max_connections),
               WorkerPool(service_.options.limits.max_running_calls,
                          service_.options.limits.max_waiting_calls)) {}

  Result<> listen(const tcp::endpoint& endpoint) { return listen_on(acceptor_, endpoint); }
  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  bool has_tls() const { return tls_.has_value(); }

  void run() {
    asio::co_spawn(io_, accept(), asio::detached);
    io_.run();
  }
  void stop() {
    asio::post(io_, [this] { drain(); });
  }

 private:
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(tcp::socket socket);
  void drain();

  Service service_;
  std::optional<asio::ssl::context> tls_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  // Last, so that it ends first: its tasks post to the I/O thread.
  Pools pools_;
};

asio::awaitable<void> Server::Impl::accept() {
  asio::steady_timer pause(io_);
  while (!service_.is_draining()) {
    auto [failed, socket] = co_await acceptor_.async_accept(kAwait);
    if (failed == asio::error::operation_aborted) {
      co_return;
    }
    if (failed) {
      // Most often there are no descriptors left. Some will be soon.
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(kAwait);
      continue;
    }
    if (service_.connections.size() >= service_.options.limits.max_connections) {
      continue;  // closed; the client sees it at once
    }
    asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> Server::Impl::serve(tcp::socket socket) {
  co_await serve_connection(std::move(socket), tls_ ? &*tls_ : nullptr, service_, pools_);
}

void Server::Impl::drain() {
  if (service_.is_draining()) {
    return;
  }
  service_.drain_deadline = std::chrono::steady_clock::now() + service_.options.limits.drain_time;
  error_code ignored;
  acceptor_.close(ignored);
  for (OpenConnection* connection : service_.connections) {
    connection->close_when_idle();
  }
}

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, Backend& backend) {
  const tcp::endpoint endpoint = TRY(endpoint_of(options));
  std::optional<asio::ssl::context> tls;
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
    return fail(ErrorCode::kInvalidArgument, "TLS needs both a certificate and a key");
  }
  if (!options.tls_certificate_file.empty()) {
    tls = TRY(make_tls(options));
  }
  auto impl = std::make_unique<Impl>(std::move(options), backend, std::move(tls));
  TRY(impl->listen(endpoint));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

std::uint16_t Server::port() const {
  return impl_->endpoint().port();
}

std::string Server::url() const {
  const tcp::endpoint endpoint = impl_->endpoint();
  const std::string address = endpoint.address().to_string();
  const std::string host = endpoint.address().is_v6() ? "[" + address + "]" : address;
  return (impl_->has_tls() ? "https://" : "http://") + host + ":" + std::to_string(endpoint.port());
}

void Server::run() {
  impl_->run();
}
void Server::stop() {
  impl_->stop();
}

}  // namespace msb::server
