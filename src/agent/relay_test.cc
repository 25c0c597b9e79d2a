// SPDX-License-Identifier: Apache-2.0
//
// Connections to servers on the loopback, which here is the test's own.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

#include "agent/testing/agent_test.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/sys.h"

namespace msb::agent {
namespace {

using testing::Received;

// A listener on 127.0.0.1 or ::1, any port.
class Server {
 public:
  explicit Server(int family = AF_INET) : socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address{};
    if (family == AF_INET) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4.sin_family = AF_INET;
      v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
      v6.sin6_family = AF_INET6;
      v6.sin6_addr = in6addr_loopback;
    }
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    usable_ = ::bind(socket_.get(), any, size) == 0 && ::listen(socket_.get(), 16) == 0;
    ::getsockname(socket_.get(), any, &size);
    port_ = ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);  // at the same place in both
  }

  bool usable() const { return usable_; }
  std::uint16_t port() const { return port_; }
  base::UniqueFd accept() {
    if (!base::sys::poll_one(socket_.get(), POLLIN, testing::kDeadline).value_or(false)) {
      return {};
    }
    return base::UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  base::UniqueFd socket_;
  bool usable_ = false;
  std::uint16_t port_ = 0;
};

class Relay : public testing::AgentTest {
 protected:
  // A relayed connection and the server's end of it.
  std::pair<std::uint32_t, base::UniqueFd> connect(Server& server) {
    const std::uint32_t stream = agent_->connect(server.port());
    base::UniqueFd peer = server.accept();
    agent_->wait([&] { return (*agent_)[stream].connected || (*agent_)[stream].closed(); });
    EXPECT_TRUE((*agent_)[stream].connected);
    return {stream, std::move(peer)};
  }
  // Reads to the end of file while the agent is served.
  std::string read_to_end(int fd) { return base::read_all(fd, 1 << 30).value_or("<error>"); }
};

TEST_F(Relay, CarriesBothDirections) {
  Server server;
  auto [stream, peer] = connect(server);
  agent_->send_data(stream, "question");
  std::array<std::byte, 8> question;
  ASSERT_TRUE(base::read_exact(peer.get(), question).value());
  EXPECT_EQ(base::text_of(question), "question");
  ASSERT_TRUE(base::write_all(peer.get(), "answer"));
  EXPECT_TRUE(agent_->wait([&] { return (*agent_)[stream].out == "answer"; }));
}

TEST_F(Relay, ClosesEachDirectionOnItsOwn) {
  Server server;
  auto [stream, peer] = connect(server);
  agent_->send_data(stream, "all I say");
  agent_->end(stream);
  EXPECT_EQ(read_to_end(peer.get()), "all I say");
  ASSERT_TRUE(base::write_all(peer.get(), "an answer after your end"));
  peer.reset();
  const Received& got = agent_->finish(stream);
  EXPECT_EQ(got.out, "an answer after your end");
  EXPECT_TRUE(got.peer_ended);
  EXPECT_TRUE(got.plain_done);
}

TEST_F(Relay, LetsTheHostSpeakAfterThePeersEnd) {
  Server server;
  auto [stream, peer] = connect(server);
  ASSERT_EQ(::shutdown(peer.get(), SHUT_WR), 0);
  ASSERT_TRUE(agent_->wait([&] { return (*agent_)[stream].peer_ended; }));
  EXPECT_FALSE((*agent_)[stream].closed());
  agent_->send_data(stream, "last words");
  agent_->end(stream);
  EXPECT_EQ(read_to_end(peer.get()), "last words");
  EXPECT_TRUE(agent_->finish(stream).plain_done);
}

TEST_F(Relay, FallsBackToIpv6) {
  Server server(AF_INET6);
  if (!server.usable()) {
    GTEST_SKIP() << "no ::1 on this host";
  }
  auto [stream, peer] = connect(server);
  ASSERT_TRUE(base::write_all(peer.get(), "six"));
  EXPECT_TRUE(agent_->wait([&] { return (*agent_)[stream].out == "six"; }));
}

TEST_F(Relay, SaysWhenNobodyListens) {
  std::uint16_t port = 0;
  {
    const Server server;
    port = server.port();
  }
  const Received& got = agent_->finish(agent_->connect(port));
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->sys_errno, ECONNREFUSED);
}

TEST_F(Relay, ReportsAReset) {
  Server server;
  auto [stream, peer] = connect(server);
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  peer.reset();
  const Received& got = agent_->finish(stream);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->sys_errno, ECONNRESET);
}

TEST_F(Relay, ClosesOnCancel) {
  Server server;
  auto [stream, peer] = connect(server);
  agent_->cancel(stream);
  EXPECT_TRUE(agent_->finish(stream).plain_done);
  EXPECT_EQ(read_to_end(peer.get()), "");
}

TEST_F(Relay, CarriesMuchUnderCredit) {
  // The server is a process, so that both ends are served at once.
  const std::string script =
      "import socket,sys\n"
      "s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True)\n"
      "c=s.accept()[0]\n"
      "while d:=c.recv(65536): c.sendall(d)\n";
  const std::uint32_t echo = agent_->exec(command({"/usr/bin/python3", "-c", script}));
  ASSERT_TRUE(agent_->wait(
      [&] { return (*agent_)[echo].out.ends_with('\n') || (*agent_)[echo].closed(); }));
  const int port = std::atoi((*agent_)[echo].out.c_str());
  ASSERT_GT(port, 0) << (*agent_)[echo].err;
  const std::uint32_t stream = agent_->connect(static_cast<std::uint16_t>(port));
  ASSERT_TRUE(agent_->wait([&] { return (*agent_)[stream].connected; }));
  std::string text;
  for (int i = 0; text.size() < 20'000'000; ++i) {
    text += std::to_string(i) + ",";
  }
  agent_->send_data(stream, text);
  agent_->end(stream);
  EXPECT_TRUE(agent_->finish(stream).out == text);
}

TEST_F(Relay, LeaksNothingOverManyConnections) {
  Server server;
  const auto once = [&] {
    auto [stream, peer] = connect(server);
    peer.reset();
    agent_->end(stream);
    ASSERT_TRUE(agent_->finish(stream).plain_done);
  };
  once();
  const std::size_t before = agent_descriptors();
  for (int i = 0; i < 1000; ++i) {
    once();
  }
  // Those of the first and of the last may still be closing as they are counted.
  EXPECT_LE(agent_descriptors(), before + 1);
}

}  // namespace
}  // namespace msb::agent
