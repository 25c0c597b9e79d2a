// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "contract.h"

namespace msb::contract {
namespace {

// An echo server inside: answers everything until the client shuts down, then says "bye".
constexpr const char* kServer = R"(
import socket, threading
server = socket.create_server(('127.0.0.1', 8000), backlog=512)
def serve(client):
    try:
        with client:
            while data := client.recv(65536):
                client.sendall(data)
            client.sendall(b'bye')
    except OSError:  # the client has vanished
        pass
def accept():
    while True:
        client, _ = server.accept()
        try:
            threading.Thread(target=serve, args=(client,), daemon=True).start()
        except RuntimeError:  # as many threads as the sandbox may have: one after the other
            serve(client)
threading.Thread(target=accept, daemon=True).start()
)";

base::UniqueFd connect_to(std::uint16_t port) {
  base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 60, .tv_usec = 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // SAFETY: the socket API takes every address type through sockaddr.
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    client.reset();
  }
  return client;
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string read_to_end(int socket) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size <= 0) {
      return size < 0 ? text + "<error>" : text;
    }
    text.append(buffer, static_cast<std::size_t>(size));
  }
}

// Sends all, shuts down, reads all.
std::string talk(std::uint16_t port, const std::string& text) {
  const base::UniqueFd client = connect_to(port);
  if (!client) {
    return "<refused>";
  }
  const std::jthread writer([&] {
    (void)send_all(client.get(), text);
    ::shutdown(client.get(), SHUT_WR);
  });
  return read_to_end(client.get());
}

class Ports : public ::testing::Test {
 protected:
  void SetUp() override {
    StartConfig config;
    config.ports = {"0:8000", "0:9000"};
    const auto started = sandbox_.start(config);
    ASSERT_TRUE(started) << why(started);
    ASSERT_EQ(sandbox_.ports().size(), 2u);
    port_ = sandbox_.ports()[0].host;
    ASSERT_NE(port_, 0);
    ASSERT_EQ(sandbox_.ports()[0].guest, 8000);
    const auto served = sandbox_.code().run(kServer);
    ASSERT_TRUE(served) << why(served);
    ASSERT_EQ(served->error(), "");
  }

  PythonSandbox sandbox_;
  std::uint16_t port_ = 0;
};

TEST_F(Ports, RelayBothWaysAndEachHalfClosesOnItsOwn) {
  EXPECT_EQ(talk(port_, "hello"), "hellobye");
  EXPECT_EQ(talk(port_, ""), "bye");
}

TEST_F(Ports, MegabytesPassUnchanged) {
  std::string text;
  for (int i = 0; text.size() < 20'000'000; ++i) {
    text += std::to_string(i) + ",";
  }
  EXPECT_TRUE(talk(port_, text) == text + "bye");
}

TEST_F(Ports, ManyConnectionsAtOnceAndOneAfterTheOther) {
  std::vector<std::jthread> clients;
  std::atomic<int> right = 0;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back([&, i] {
      for (int j = 0; j < 10; ++j) {
        const std::string text = std::to_string(i) + "/" + std::to_string(j);
        right += talk(port_, text) == text + "bye" ? 1 : 0;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(right, 500);
}

TEST_F(Ports, MoreConnectionsThanSlotsWaitTheirTurn) {
  std::vector<base::UniqueFd> held;
  for (int i = 0; i < 300; ++i) {
    held.push_back(connect_to(port_));
    ASSERT_TRUE(held.back());
  }
  held.clear();
  EXPECT_EQ(talk(port_, "after"), "afterbye");
}

TEST_F(Ports, AClientThatVanishesLeavesNoSlotBehind) {
  for (int i = 0; i < 600; ++i) {
    const base::UniqueFd client = connect_to(port_);
    ASSERT_TRUE(client);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  EXPECT_EQ(talk(port_, "after"), "afterbye");
}

TEST_F(Ports, WithNobodyListeningInsideTheConnectionIsClosed) {
  EXPECT_EQ(talk(sandbox_.ports()[1].host, ""), "");
}

TEST_F(Ports, AreClosedByStop) {
  ASSERT_TRUE(sandbox_.stop());
  EXPECT_TRUE(sandbox_.ports().empty());
  EXPECT_FALSE(connect_to(port_));
}

TEST_F(Ports, ATakenPortIsAConflictByName) {
  PythonSandbox other;
  StartConfig config;
  config.ports = {std::to_string(port_) + ":80"};
  const auto started = other.start(config);
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kConflict)) << why(started);
  EXPECT_NE(started.error().message().find(std::to_string(port_)), std::string::npos);
}

}  // namespace
}  // namespace msb::contract
