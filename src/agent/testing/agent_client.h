// SPDX-License-Identifier: Apache-2.0
//
// A host for tests: starts the real msb-agent on one end of a socketpair and speaks frames on the
// other. Single-threaded; every wait has a deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/child_process.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace msb::agent::testing {

inline constexpr std::chrono::seconds kDeadline{60};

// All that has arrived for one stream.
struct Received {
  std::string out;              // kStdout, and kData of a connection
  std::string err;              // kStderr
  std::uint64_t out_bytes = 0;  // counted also when the text is not kept
  std::optional<wire::Started> started;
  std::optional<wire::Exited> exited;
  std::optional<wire::ReplDone> done;
  std::optional<wire::Failed> failed;
  std::optional<wire::OutputCut> cut;
  std::optional<wire::Measured> measured;
  std::optional<wire::LimitsMet> limits;
  bool connected = false;
  bool peer_ended = false;                           // kEnd
  bool plain_done = false;                           // kDone
  std::uint64_t credit = wire::kInitialCreditBytes;  // what we may send
  std::uint64_t untold_credit = 0;                   // received and not granted again yet
  bool grant = true;                                 // give credit back as data arrives
  bool keep_text = true;
  std::vector<wire::FrameType> order;  // types of all frames but data, in order

  bool closed() const { return exited || done || failed || plain_done || measured; }
};

struct ClientOptions {
  std::vector<std::string> env = {"PATH=/usr/bin:/bin"};
  std::string workdir = "/";
  std::string user = {};
  bool agent_is_root = true;  // false: as nobody, where the test is root
};

class AgentClient {
 public:
  static Result<std::unique_ptr<AgentClient>> start(const ClientOptions& options = {});
  // Without hello and configuration.
  static Result<std::unique_ptr<AgentClient>> start_silent(const ClientOptions& options = {});
  // Hangs up and waits for the agent's end.
  ~AgentClient();

  pid_t pid() const { return agent_.pid(); }
  int fd() const { return stream_.get(); }

  // Each opens a stream and returns its number.
  std::uint32_t exec(const wire::Exec& request);
  std::uint32_t shell(const std::string& script, std::uint64_t timeout_ms = 0);
  std::uint32_t repl(wire::Language language, std::string_view code, std::uint64_t timeout_ms = 0);
  std::uint32_t practise(wire::Language language);
  std::uint32_t connect(std::uint16_t port);
  std::uint32_t write_file(const wire::WriteFile& request);
  std::uint32_t new_stream() { return next_stream_++; }

  template <typename Message>
  void send(std::uint32_t stream, const Message& message) {
    send(stream, Message::kType, message.encode());
  }
  void send(std::uint32_t stream, wire::FrameType type, std::span<const std::byte> payload = {});
  void send_raw(std::span<const std::byte> bytes);
  // kData, as the stream's credit allows; waits for credit in between.
  void send_data(std::uint32_t stream, std::string_view bytes);
  void end(std::uint32_t stream) { send(stream, wire::FrameType::kEnd); }
  void cancel(std::uint32_t stream) { send(stream, wire::FrameType::kCancel); }
  void signal(std::uint32_t stream, int number);
  // Grants what was held back, and everything from now on.
  void release_credit(std::uint32_t stream);

  Received& operator[](std::uint32_t stream) { return streams_[stream]; }
  // False: the deadline passed or the agent hung up first.
  bool wait(const std::function<bool()>& condition);
  // Waits until the stream is closed and returns what it got.
  Received& finish(std::uint32_t stream);
  // Waits for the agent to hang up and end; its exit status.
  std::optional<base::ExitStatus> wait_for_exit();
  // The agent has said so, and has not been told to go on.
  bool rests() const { return rests_; }
  // Whether something arrives in time.
  bool has_bytes_within(std::chrono::milliseconds time) const;
  // A round trip on the connection itself.
  bool ping();
  bool hung_up() const { return hung_up_; }
  const std::optional<wire::HelloReply>& hello() const { return hello_; }

 private:
  AgentClient(base::ChildProcess agent, base::UniqueFd stream)
      : agent_(std::move(agent)), stream_(std::move(stream)) {}
  bool receive(std::chrono::milliseconds timeout);
  void take(const wire::Frame& frame);
  void take_data(const wire::Frame& frame);

  base::ChildProcess agent_;
  base::UniqueFd stream_;
  wire::FrameReader reader_;
  std::map<std::uint32_t, Received> streams_;
  std::optional<wire::HelloReply> hello_;
  std::uint32_t next_stream_ = 1;
  std::size_t pongs_ = 0;
  bool rests_ = false;
  std::vector<std::byte> outgoing_;
  bool flushing_ = false;
  bool hung_up_ = false;
};

}  // namespace msb::agent::testing
