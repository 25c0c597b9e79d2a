// SPDX-License-Identifier: Apache-2.0
//
// A host's frames, in any order and shape, through a whole session in this process. Requests that
// could do something are disarmed first: no program is found, no file can be written, nobody
// listens. What stays is what the frames are for: opening, feeding, cancelling, ending streams.
#include <signal.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/session.h"
#include "base/bytes.h"
#include "base/sys.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace {

using namespace msb;
using wire::FrameType;

constexpr std::uint16_t kPortOfNobody = 1;
constexpr std::size_t kMaxTurns = 64;

template <typename Message>
void append(std::vector<std::byte>& out, std::uint32_t stream, const Message& message) {
  wire::append_frame(out, stream, Message::kType, message.encode());
}

template <typename Message, typename Disarm>
bool append_disarmed(std::vector<std::byte>& out, const wire::Frame& frame, Disarm disarm) {
  auto message = Message::decode(frame.payload);
  if (message) {
    disarm(*message);
    append(out, frame.stream, *message);
  }
  return message.has_value();
}

void disarm(wire::Configure& settings) {
  settings.env.resize(std::min<std::size_t>(settings.env.size(), 100));
  settings.env.emplace_back("PATH=/nonexistent");
  settings.workdir.clear();
}

void append_harmless(std::vector<std::byte>& out, const wire::Frame& frame) {
  bool done = false;
  switch (frame.type) {
    case FrameType::kConfigure:
      done = append_disarmed<wire::Configure>(out, frame, disarm);
      break;
    case FrameType::kAdopt:
      done = append_disarmed<wire::Adopt>(out, frame,
                                          [](wire::Adopt& adopt) { disarm(adopt.settings); });
      break;
    case FrameType::kExec:
      done = append_disarmed<wire::Exec>(
          out, frame, [](wire::Exec& exec) { exec.argv.front() = "/nonexistent/program"; });
      break;
    case FrameType::kWriteFile:
      done = append_disarmed<wire::WriteFile>(out, frame, [](wire::WriteFile& file) {
        file.path = "/proc/nonexistent/" + file.path.substr(0, 100);
        std::erase(file.path, '.');
      });
      break;
    case FrameType::kConnect:
      done = append_disarmed<wire::Connect>(
          out, frame, [](wire::Connect& connect) { connect.port = kPortOfNobody; });
      break;
    default:
      break;
  }
  if (!done) {
    wire::append_frame(out, frame.stream, frame.type, frame.payload);
  }
}

std::vector<std::byte> conversation(std::span<const std::byte> input) {
  std::vector<std::byte> out;
  append(out, 0, wire::Hello{});
  append(out, 0, wire::Configure{{"PATH=/nonexistent"}, "", ""});
  wire::FrameReader reader;
  const auto room = reader.prepare(input.size() + 1);
  std::copy(input.begin(), input.end(), room.begin());
  reader.commit(input.size());
  for (;;) {
    const auto next = reader.next();
    if (!next) {
      out.insert(out.end(), wire::kHeaderSize, std::byte{0xff});
      return out;
    }
    const std::optional<wire::Frame>& frame = *next;
    if (!frame) {
      return out;
    }
    append_harmless(out, *frame);
  }
}

void discard(int fd) {
  std::byte buffer[4096];
  while (::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  auto [host, end] = base::sys::socketpair(AF_UNIX, SOCK_STREAM).value();
  auto session = agent::Session::create(std::move(end)).value();
  const std::vector<std::byte> bytes = conversation(std::as_bytes(std::span(data, size)));
  std::span<const std::byte> rest = bytes;
  for (std::size_t turns = 0; turns < kMaxTurns || !rest.empty(); ++turns) {
    const ssize_t sent = ::send(host.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      rest = rest.subspan(static_cast<std::size_t>(sent));
    }
    const auto going = session->turn(agent::EventLoop::Wait::kNot);
    if (!going || !*going) {
      return 0;
    }
    discard(host.get());
  }
  return 0;
}
