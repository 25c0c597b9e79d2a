// SPDX-License-Identifier: Apache-2.0
//
// The other end of an AgentLink, played by a test: it sees every frame the host sends and answers
// whatever it likes, right or wrong.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "engine/io_loop.h"
#include "engine/session.h"
#include "wire/messages.h"

namespace msb::engine::testing {

inline constexpr const char* kInstanceId = "0123456789abcdef";

struct Received {
  std::uint32_t stream = 0;
  wire::FrameType type{};
  std::vector<std::byte> payload;
  // False: no frame came in time, or the host has closed.
  explicit operator bool() const { return type != wire::FrameType{}; }
};

class FakeAgent {
 public:
  // A link whose other end is this object.
  explicit FakeAgent(IoLoop& loop);

  const std::shared_ptr<AgentLink>& link() const { return link_; }
  // A session on the link, without a kernel behind its gauges.
  std::shared_ptr<Session> session();
  // The same of a sandbox with a kernel of its own, whose agent is asked.
  std::shared_ptr<Session> session_of_machine();
  const std::shared_ptr<ExitReport>& exit_report() const { return exit_report_; }

  // The next frame of the host.
  Received receive();
  // The next frame of that type, others (credit, pings) skipped.
  Received receive(wire::FrameType type);

  template <typename Message>
  void send(std::uint32_t stream, const Message& message) {
    send(stream, Message::kType, message.encode());
  }
  void send(std::uint32_t stream, wire::FrameType type, std::span<const std::byte> payload = {});
  void send(std::uint32_t stream, wire::FrameType type, std::string_view text);
  void send_raw(std::span<const std::byte> bytes);
  // Answers the host's hello, which must come.
  void greet();
  // For conversations that begin after the greetings.
  void have_greeted();
  void close() { socket_.reset(); }
  int socket() const { return socket_.get(); }

 private:
  std::shared_ptr<Session> session(std::shared_ptr<AgentLink> guest);

  base::UniqueFd socket_;
  std::shared_ptr<AgentLink> link_;
  std::shared_ptr<ExitReport> exit_report_ = std::make_shared<ExitReport>();
  wire::FrameReader reader_;
};

}  // namespace msb::engine::testing
