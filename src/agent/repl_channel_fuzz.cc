// SPDX-License-Identifier: Apache-2.0
//
// The agent against its interpreter: a process that the guest owns. The input is what it does
// (testing/false_interpreter.c) while two runs are submitted, the second of which meets a new one
// if the first does not survive. However it behaves, each run has one end, and after a cancel at
// the latest.
#include <signal.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/session.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/file.h"
#include "base/sys.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace {

using namespace msb;
using Clock = std::chrono::steady_clock;
using wire::FrameType;

constexpr std::size_t kRuns = 2;
constexpr std::size_t kMaxInputBytes = 512;
// What a false interpreter does takes less, unless it waits for the end itself.
constexpr std::chrono::milliseconds kPatience{100};
constexpr std::chrono::seconds kDeadline{20};

// Where the agent finds the interpreter, and that its script.
struct Place {
  base::TempDir folder = base::TempDir::create().value();
  std::string script = folder.path() + "/script";

  Place() {
    MSB_CHECK(::symlink(MSB_FALSE_INTERPRETER, (folder.path() + "/python3").c_str()) == 0);
  }
};

class Host {
 public:
  explicit Host(base::UniqueFd socket) : socket_(std::move(socket)) {}

  template <typename Message>
  void add(std::uint32_t stream, const Message& message) {
    wire::append_frame(out_, stream, Message::kType, message.encode());
  }
  void add(std::uint32_t stream, FrameType type, std::string_view payload = {}) {
    wire::append_frame(out_, stream, type, base::bytes_of(payload));
  }
  void send() {
    MSB_CHECK(::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(out_.size()));
    out_.clear();
  }

  void receive() {
    for (;;) {
      const auto room = reader_.prepare();
      const ssize_t size = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (size <= 0) {
        return;
      }
      reader_.commit(static_cast<std::size_t>(size));
      for (;;) {
        const auto next = reader_.next();
        MSB_CHECK(next);
        if (!*next) {
          break;
        }
        take(**next);
      }
    }
  }

  bool all_ended() const { return ended_ == kRuns; }

 private:
  void take(const wire::Frame& frame) {
    if (frame.stream == 0) {
      return;
    }
    MSB_CHECK(frame.stream <= kRuns && !has_end_[frame.stream - 1]);
    if (frame.type == FrameType::kReplDone) {
      MSB_CHECK(wire::ReplDone::decode(frame.payload));
    } else if (frame.type != FrameType::kFailed) {
      return;
    }
    has_end_[frame.stream - 1] = true;
    ++ended_;
  }

  base::UniqueFd socket_;
  std::vector<std::byte> out_;
  wire::FrameReader reader_;
  bool has_end_[kRuns] = {};
  std::size_t ended_ = 0;
};

void turn_until(agent::Session& session, Host& host, Clock::time_point limit) {
  while (!host.all_ended() && Clock::now() < limit) {
    const auto going = session.turn(agent::EventLoop::Wait::kNot);
    MSB_CHECK(going && *going);
    host.receive();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Place place;
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  const auto script = std::as_bytes(std::span(data, std::min(size, kMaxInputBytes)));
  MSB_CHECK(base::write_file_atomic(place.script, base::text_of(script), 0600));

  auto [ours, theirs] = base::sys::socketpair(AF_UNIX, SOCK_STREAM).value();
  auto session = agent::Session::create(std::move(theirs)).value();
  Host host(std::move(ours));
  host.add(0, wire::Hello{});
  host.add(0, wire::Configure{
                  {"PATH=" + place.folder.path(), "FALSE_INTERPRETER=" + place.script}, "", ""});
  for (std::uint32_t stream = 1; stream <= kRuns; ++stream) {
    host.add(stream, wire::Repl{});
    host.add(stream, FrameType::kReplCode, "1 + 1");
    host.add(stream, FrameType::kEnd);
  }
  host.send();
  turn_until(*session, host, Clock::now() + kPatience);
  if (!host.all_ended()) {
    for (std::uint32_t stream = 1; stream <= kRuns; ++stream) {
      host.add(stream, FrameType::kCancel);
    }
    host.send();
    turn_until(*session, host, Clock::now() + kDeadline);
  }
  MSB_CHECK(host.all_ended());
  return 0;
}
