// SPDX-License-Identifier: Apache-2.0
#include "engine/port_forwarder.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>
#include <string>

#include "base/bytes.h"
#include "engine/testing/fake_agent.h"

namespace msb::engine {
namespace {

using testing::FakeAgent;
using wire::FrameType;

class PortForwarderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto forwarder = PortForwarder::bind(*loop_, {{.host = 0, .guest = 80}});
    ASSERT_TRUE(forwarder) << forwarder.error().message();
    forwarder_ = *std::move(forwarder);
    agent_.have_greeted();
    ASSERT_TRUE(forwarder_->start(agent_.link()));
  }

  base::UniqueFd connect() {
    base::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(forwarder_->ports().front().host);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // SAFETY: the socket API takes every address type through sockaddr.
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    return client;
  }

  static std::string read_some(int socket) {
    char buffer[4096];
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
    return size < 0 ? "<error>" : std::string(buffer, static_cast<std::size_t>(size));
  }

  std::uint32_t accept() {
    const auto request = agent_.receive(FrameType::kConnect);
    EXPECT_TRUE(request);
    EXPECT_EQ(wire::Connect::decode(request.payload)->port, 80);
    agent_.send(request.stream, FrameType::kConnected);
    return request.stream;
  }

  std::unique_ptr<IoLoop> loop_ = *IoLoop::start();
  FakeAgent agent_{*loop_};
  std::unique_ptr<PortForwarder> forwarder_;
};

TEST_F(PortForwarderTest, AConnectionIsServedWhileARunWaits) {
  const auto session = agent_.session();
  auto run = std::async(std::launch::async, [&] {
    CodeRequest request;
    request.code = "serve()";
    return session->run_code(request, [](Channel, std::string_view) {});
  });
  const auto repl = agent_.receive(FrameType::kRepl);
  const base::UniqueFd client = connect();
  const std::uint32_t stream = accept();
  agent_.send(stream, FrameType::kData, "hello");
  EXPECT_EQ(read_some(client.get()), "hello");
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(run.get());
}

TEST_F(PortForwarderTest, BytesFlowBothWaysAndHalvesCloseOnTheirOwn) {
  const base::UniqueFd client = connect();
  const std::uint32_t stream = accept();
  ASSERT_EQ(::send(client.get(), "ask", 3, 0), 3);
  EXPECT_EQ(base::text_of(agent_.receive(FrameType::kData).payload), "ask");
  ::shutdown(client.get(), SHUT_WR);
  EXPECT_TRUE(agent_.receive(FrameType::kEnd));
  agent_.send(stream, FrameType::kData, "answer");
  EXPECT_EQ(read_some(client.get()), "answer");
  agent_.send(stream, FrameType::kEnd);
  EXPECT_EQ(read_some(client.get()), "");
}

TEST_F(PortForwarderTest, AGuestThatRefusesClosesTheClient) {
  const base::UniqueFd client = connect();
  const auto request = agent_.receive(FrameType::kConnect);
  agent_.send(request.stream, wire::Failed{.code = ErrorCode::kUnavailable, .text = "refused"});
  EXPECT_EQ(read_some(client.get()), "");
}

TEST_F(PortForwarderTest, NoMoreIsSentThanTheAgentHasCreditFor) {
  const base::UniqueFd client = connect();
  const std::uint32_t stream = accept();
  const std::string block(64 * 1024, 'b');
  const timeval moment{.tv_sec = 0, .tv_usec = 1000};
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof moment);
  std::size_t got = 0;
  while (got < wire::kInitialCreditBytes) {
    (void)::send(client.get(), block.data(), block.size(), 0);
    got += agent_.receive(FrameType::kData).payload.size();
  }
  EXPECT_EQ(got, wire::kInitialCreditBytes);
  (void)::send(client.get(), block.data(), block.size(), 0);
  agent_.send(0, FrameType::kPing);
  // The answer to the ping is next: no data came before it.
  EXPECT_EQ(agent_.receive().type, FrameType::kPong);
  agent_.send(stream, wire::Credit{.size_bytes = 10});
  EXPECT_EQ(agent_.receive().payload.size(), 10u);
}

TEST_F(PortForwarderTest, AVanishedClientCancelsItsStream) {
  base::UniqueFd client = connect();
  const std::uint32_t stream = accept();
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client.reset();
  const auto cancel = agent_.receive(FrameType::kCancel);
  ASSERT_TRUE(cancel);
  EXPECT_EQ(cancel.stream, stream);
}

TEST_F(PortForwarderTest, MoreDataThanCreditEndsTheLink) {
  const base::UniqueFd client = connect();
  const std::uint32_t stream = accept();
  const std::string piece(wire::kMaxPayloadBytes, 'x');
  for (int i = 0; i < 64 && !agent_.link()->lost(); ++i) {
    agent_.send(stream, FrameType::kData, piece);  // the client does not read
  }
  while (!read_some(client.get()).empty()) {
  }
  ASSERT_TRUE(agent_.link()->lost());
  EXPECT_TRUE(agent_.link()->lost()->is(ErrorCode::kCorrupt));
}

TEST_F(PortForwarderTest, ClosesAllWhenItGoes) {
  const base::UniqueFd client = connect();
  (void)accept();
  forwarder_.reset();
  EXPECT_EQ(read_some(client.get()), "");
}

TEST_F(PortForwarderTest, ClosesAllWhenTheSandboxIsLost) {
  const base::UniqueFd client = connect();
  (void)accept();
  agent_.close();
  EXPECT_EQ(read_some(client.get()), "");
}

TEST_F(PortForwarderTest, ATakenPortIsNamed) {
  const std::uint16_t taken = forwarder_->ports().front().host;
  const auto second = PortForwarder::bind(*loop_, {{.host = 0, .guest = 1}, {taken, 80}});
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(ErrorCode::kConflict));
  EXPECT_EQ(second.error().message(),
            "ports[1]: bind(127.0.0.1:" + std::to_string(taken) + "): Address already in use");
}

}  // namespace
}  // namespace msb::engine
