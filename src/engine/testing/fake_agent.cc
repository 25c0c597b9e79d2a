// SPDX-License-Identifier: Apache-2.0
#include "engine/testing/fake_agent.h"

#include <poll.h>
#include <sys/socket.h>

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/sys.h"

namespace msb::engine::testing {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

FakeAgent::FakeAgent(IoLoop& loop) {
  auto ends = base::sys::socketpair(AF_UNIX, SOCK_STREAM);
  MSB_CHECK(ends.has_value());
  socket_ = std::move(ends->first);
  auto link = AgentLink::open(loop, std::move(ends->second), kInstanceId);
  MSB_CHECK(link.has_value());
  link_ = *std::move(link);
}

std::shared_ptr<Session> FakeAgent::session() {
  return session(nullptr);
}

std::shared_ptr<Session> FakeAgent::session_of_machine() {
  return session(link_);
}

std::shared_ptr<Session> FakeAgent::session(std::shared_ptr<AgentLink> guest) {
  const isolation::Limits limits{.memory_bytes = 64ull << 20};
  auto gauges = std::make_shared<Gauges>(isolation::SandboxGauges{}, limits, std::string(), 0,
                                         std::move(guest));
  return std::make_shared<Session>(link_, std::move(gauges), exit_report_, limits);
}

Received FakeAgent::receive() {
  for (;;) {
    const auto next = reader_.next();
    MSB_CHECK(next.has_value());  // the host keeps the protocol
    if (const std::optional<wire::Frame>& frame = *next) {
      return {frame->stream, frame->type, {frame->payload.begin(), frame->payload.end()}};
    }
    const auto ready = base::sys::poll_one(socket_.get(), POLLIN, kPatience);
    if (!ready || !*ready) {
      return {};
    }
    const auto size = base::sys::read(socket_.get(), reader_.prepare());
    if (!size || *size == 0) {
      return {};
    }
    reader_.commit(*size);
  }
}

Received FakeAgent::receive(wire::FrameType type) {
  for (;;) {
    Received frame = receive();
    if (!frame || frame.type == type) {
      return frame;
    }
  }
}

void FakeAgent::send(std::uint32_t stream, wire::FrameType type,
                     std::span<const std::byte> payload) {
  std::vector<std::byte> frame;
  wire::append_frame(frame, stream, type, payload);
  send_raw(frame);
}

void FakeAgent::send(std::uint32_t stream, wire::FrameType type, std::string_view text) {
  send(stream, type, base::bytes_of(text));
}

void FakeAgent::send_raw(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return;  // the host has closed: what the test is about, or its next expectation fails
    }
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void FakeAgent::greet() {
  MSB_CHECK(receive(wire::FrameType::kHello));
  send(0, wire::HelloReply{.instance_id = kInstanceId});
}

void FakeAgent::have_greeted() {
  send(0, wire::HelloReply{.instance_id = kInstanceId});
  MSB_CHECK(link_->await_hello(AgentLink::Clock::now() + kPatience).has_value());
}

}  // namespace msb::engine::testing
