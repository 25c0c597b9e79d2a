// SPDX-License-Identifier: Apache-2.0
//
// The conversation with the host: which frame means what.
//
//   kHello -> kHelloReply, kConfigure, then requests, each on a stream of its own; kRest ->
//   kResting, and then kGoOn, or kHello of another host, for whom processes and interpreters go on.
//   Frames of an unknown type are refused (on a new stream) or ignored: a newer host does no harm.
//   A frame that breaks the format or the rules ends the session, and with it all that runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "agent/children.h"
#include "agent/context.h"
#include "agent/discard.h"
#include "agent/event_loop.h"
#include "agent/host_link.h"
#include "agent/repl/repl.h"
#include "agent/stream.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace msb::agent {

inline constexpr std::size_t kMaxStreams = 1024;

class Session {
 public:
  static Result<std::unique_ptr<Session>> create(base::UniqueFd stream);

  // Serves until the host is gone (a success) or has broken the protocol. All that was started is
  // killed by the destructor.
  Result<> serve();
  // One turn of serve(); false when the host is gone.
  Result<bool> turn(EventLoop::Wait wait);

 private:
  explicit Session(std::unique_ptr<EventLoop> loop) : loop_(std::move(loop)), discard_(*loop_) {}
  Result<> handle(const wire::Frame& frame);
  Result<> handle_connection(const wire::Frame& frame);
  Result<> handle_request(const wire::Frame& frame);
  Result<> handle_stream(Stream& stream, const wire::Frame& frame);
  Result<> greet(const wire::Frame& frame);
  void configure(wire::Configure settings);
  void adopt(std::uint32_t id, wire::Adopt request);
  Result<> rest();
  void leave_streams();
  repl::Repl::Answer answer_to(std::uint32_t id);
  // One interpreter after the other; answered when both have, or one has failed.
  void have_all(void (repl::Repl::*step)(repl::Repl::Answer), std::uint32_t id);
  // Keeps what a request has opened, or tells the host why it could not be.
  template <typename Opened>
  void open(std::uint32_t id, Result<std::unique_ptr<Opened>> opened);
  Result<> open_run(std::uint32_t id, const wire::Repl& request);
  void close(std::uint32_t id);
  repl::Repl& repl(wire::Language language);

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Children> children_;
  Discard discard_;
  wire::Configure settings_;
  bool greeted_ = false;
  bool is_in_use_ = false;  // has taken settings, or something has run in it
  std::unique_ptr<HostLink> link_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<repl::Repl> python_;
  std::unique_ptr<repl::Repl> node_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Stream>> streams_;
  // Streams that have ended during this turn; their own code may still be running.
  std::vector<std::unique_ptr<Stream>> ended_;
};

}  // namespace msb::agent
