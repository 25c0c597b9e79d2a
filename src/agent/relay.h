// SPDX-License-Identifier: Apache-2.0
//
// One TCP connection to the sandbox's loopback, relayed for the host.
//
//   connecting --127.0.0.1, else ::1--> open --kEnd each way--> kDone
//       +--> kFailed                     +--> kFailed (reset by the peer), kDone (kCancel)
//
// Each direction ends on its own: the peer's end of file is kEnd to the host, the host's kEnd is
// shutdown(SHUT_WR) once everything before it is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "agent/context.h"
#include "agent/input_lane.h"
#include "agent/output_lane.h"
#include "agent/stream.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "wire/messages.h"

namespace msb::agent {

class Relay final : public Stream {
 public:
  // Begins to connect; the answer is sent when it is known.
  static Result<std::unique_ptr<Relay>> start(Context& context, std::uint32_t stream,
                                              const wire::Connect& request);

  void on_data(std::span<const std::byte> bytes) override;
  void on_end() override;
  void on_cancel() override;
  void on_credit() override;

 private:
  enum class Family { kV4, kV6 };

  Relay(Context& context, std::uint32_t stream, std::uint16_t port)
      : Stream(stream), context_(context), port_(port) {}
  Result<> connect(Family family);
  void connect_finished();
  Result<> open();
  void fail(const Error& error);
  void peer_ended();
  void close_if_both_ended();
  void close();

  Context& context_;
  const std::uint16_t port_;
  Family family_ = Family::kV4;
  base::UniqueFd connecting_;
  EventLoop::Watch watch_;
  std::unique_ptr<InputLane> input_;
  std::unique_ptr<OutputLane> output_;
  bool input_ended_ = false;
  bool output_ended_ = false;
};

}  // namespace msb::agent
