// SPDX-License-Identifier: Apache-2.0
//
// One TCP connection between a client on the host and a port in a sandbox. Bytes move only against
// credit in both directions, so neither side can fill the memory here, and each half closes on its
// own: a client may send its request, shut down, and still read the answer.
//
//   [connecting] ── kConnected ──► [open] ── both halves ended, error, kDone ──► [closed]
//
// Lives in the I/O loop alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "engine/agent_link.h"
#include "engine/io_loop.h"

namespace msb::engine {

class RelayedConnection final : public IoHandler,
                                public Stream,
                                public std::enable_shared_from_this<RelayedConnection> {
 public:
  using ClosedCallback = std::function<void(const RelayedConnection*)>;

  // `on_closed` is called once; the connection may be destroyed in it.
  static Result<std::shared_ptr<RelayedConnection>> open(IoLoop& loop,
                                                         std::shared_ptr<AgentLink> link,
                                                         base::UniqueFd client,
                                                         std::uint16_t guest_port,
                                                         ClosedCallback on_closed);
  // Ends it at once, on both sides.
  void abort();

 private:
  RelayedConnection(IoLoop& loop, std::shared_ptr<AgentLink> link, base::UniqueFd client,
                    ClosedCallback on_closed);
  void on_ready(std::uint32_t events) override;
  Result<> on_frame(const wire::Frame& frame) override;
  void on_room() override;
  void on_lost(const Error& error) override;

  Result<> accept_data(std::span<const std::byte> bytes);
  void read_client();
  void write_client();
  void settle();
  void close();
  bool wants_to_read() const;
  void send(wire::FrameType type, std::span<const std::byte> payload = {});

  IoLoop& loop_;
  const std::shared_ptr<AgentLink> link_;
  base::UniqueFd client_;
  ClosedCallback on_closed_;
  std::uint32_t stream_ = 0;
  IoLoop::Token token_ = 0;  // 0: not registered
  std::uint32_t interest_ = 0;

  std::vector<std::byte> to_client_;
  std::size_t to_client_begin_ = 0;
  std::uint64_t window_bytes_ = wire::kInitialCreditBytes;  // what the agent may still send
  std::uint32_t consumed_bytes_ = 0;                        // of it, not yet given back
  std::uint64_t credit_bytes_ = wire::kInitialCreditBytes;  // what we may still send
  bool connected_ = false;
  bool client_ended_ = false;  // nothing more comes from the client, kEnd was sent
  bool guest_ended_ = false;   // nothing more comes from the guest
  bool waits_for_room_ = false;
  bool closed_ = false;
};

}  // namespace msb::engine
