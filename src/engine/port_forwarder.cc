// SPDX-License-Identifier: Apache-2.0
#include "engine/port_forwarder.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <optional>
#include <string>
#include <utility>

#include "base/sys.h"
#include "engine/relayed_connection.h"
#include "engine/socket.h"

namespace msb::engine {
namespace {

constexpr int kMaxAcceptsAtOnce = 16;

}  // namespace

class PortForwarder::Listener final : public IoHandler {
 public:
  Listener(PortForwarder& owner, base::UniqueFd bound_socket, std::uint16_t guest)
      : socket(std::move(bound_socket)), guest_port(guest), owner_(owner) {}

  const base::UniqueFd socket;
  const std::uint16_t guest_port;
  IoLoop::Token token = 0;
  bool paused = false;

 private:
  void on_ready(std::uint32_t) override { owner_.accept_from(*this); }
  PortForwarder& owner_;
};

Result<std::unique_ptr<PortForwarder>> PortForwarder::bind(IoLoop& loop,
                                                           const std::vector<PortRule>& rules) {
  std::unique_ptr<PortForwarder> forwarder(new PortForwarder(loop));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    PortRule rule = rules[i];
    base::UniqueFd listener =
        TRY_WRAP(listen_on_loopback(rule.host), "ports[" + std::to_string(i) + "]");
    rule.host = TRY(local_port(listener.get()));
    forwarder->listeners_.push_back(
        std::make_shared<Listener>(*forwarder, std::move(listener), rule.guest));
    forwarder->ports_.push_back(rule);
  }
  if (!rules.empty()) {
    forwarder->spare_ = TRY(base::sys::open("/dev/null", O_RDONLY));
  }
  return forwarder;
}

Result<> PortForwarder::start(std::shared_ptr<AgentLink> link) {
  if (listeners_.empty()) {
    return {};
  }
  Result<> result;
  loop_.run_inside([&] {
    link_ = std::move(link);
    for (const auto& listener : listeners_) {
      const auto token = loop_.add(listener->socket.get(), EPOLLIN, listener);
      if (!token) {
        result = std::unexpected(token.error());
        return;
      }
      listener->token = *token;
    }
  });
  return result;
}

PortForwarder::~PortForwarder() {
  if (listeners_.empty()) {
    return;
  }
  // In the loop, so that no handler of ours is running while all goes.
  loop_.run_inside([this] {
    for (const auto& listener : listeners_) {
      loop_.remove(listener->token, listener->socket.get());
    }
    for (const auto& [key, connection] : std::exchange(connections_, {})) {
      connection->abort();
    }
  });
}

void PortForwarder::accept_from(Listener& listener) {
  for (int i = 0; i < kMaxAcceptsAtOnce; ++i) {
    if (connections_.size() >= kMaxConnections) {
      listener.paused = true;
      loop_.change(listener.token, listener.socket.get(), 0);
      return;
    }
    auto accepted = accept_one(listener.socket.get());
    if (!accepted) {
      refuse_one(listener.socket.get());
      return;
    }
    std::optional<base::UniqueFd>& client = *accepted;
    if (!client) {
      return;
    }
    auto connection =
        RelayedConnection::open(loop_, link_, *std::move(client), listener.guest_port,
                                [this](const RelayedConnection* closed) { on_closed(closed); });
    if (connection) {
      const RelayedConnection* key = connection->get();
      connections_.emplace(key, *std::move(connection));
    }
  }
}

void PortForwarder::refuse_one(int listener) {
  // Out of descriptors: without this the connection would stay in the backlog and the listener
  // ready for ever. The client sees its connection closed.
  spare_.reset();
  [[maybe_unused]] const auto refused = accept_one(listener);
  if (auto spare = base::sys::open("/dev/null", O_RDONLY)) {
    spare_ = *std::move(spare);
  }
}

void PortForwarder::on_closed(const RelayedConnection* connection) {
  if (connections_.erase(connection) > 0) {
    listen_again();
  }
}

void PortForwarder::listen_again() {
  for (const auto& listener : listeners_) {
    if (std::exchange(listener->paused, false)) {
      loop_.change(listener->token, listener->socket.get(), EPOLLIN);
    }
  }
}

}  // namespace msb::engine
