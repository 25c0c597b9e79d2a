// SPDX-License-Identifier: Apache-2.0
//
// What may stand at the other end of the stream when a guest has taken over its agent. The name of
// the sandbox, which is its host name, says what it does. Static: it runs in any image.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <vector>

#include "wire/frame.h"

namespace {

using msb::wire::FrameType;

constexpr int kStream = 3;

[[noreturn]] void sleep_for_ever() {
  for (;;) {
    ::pause();
  }
}

void write_or_end(const std::byte* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(kStream, data, size);
    if (written <= 0) {
      ::_exit(0);
    }
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void send(std::uint32_t stream, FrameType type, const std::vector<std::byte>& payload = {}) {
  std::vector<std::byte> frame;
  msb::wire::append_frame(frame, stream, type, payload);
  write_or_end(frame.data(), frame.size());
}

[[noreturn]] void flood(std::uint32_t stream, FrameType type, std::size_t size) {
  const std::vector<std::byte> payload(size, std::byte{'x'});
  for (;;) {
    send(stream, type, payload);
  }
}

void before_hello(const std::string& manner) {
  if (manner == "leaves") {
    ::_exit(7);
  }
  if (manner == "garbage") {
    const std::vector<std::byte> noise(100'000, std::byte{0xa5});
    write_or_end(noise.data(), noise.size());
    sleep_for_ever();
  }
  if (manner == "giant") {
    std::vector<std::byte> header(msb::wire::kHeaderSize, std::byte{0});
    header[0] = header[1] = header[2] = header[3] = std::byte{0xff};
    write_or_end(header.data(), header.size());
    sleep_for_ever();
  }
  if (manner == "impostor") {
    send(0, FrameType::kHelloReply, std::vector<std::byte>(20, std::byte{1}));
    sleep_for_ever();
  }
  if (manner == "chatty") {
    flood(0, FrameType::kPong, 0);
  }
}

void after_hello(const std::string& manner) {
  if (manner == "unasked") {
    send(4'000'000, FrameType::kStdout, {std::byte{'x'}});
  } else if (manner == "pings") {
    flood(0, FrameType::kPing, 0);  // and reads no answer
  } else if (manner == "deaf") {
    sleep_for_ever();
  } else if (manner == "twice") {
    send(0, FrameType::kHelloReply);
  }
}

void on_run(const std::string& manner, std::uint32_t stream) {
  if (manner == "overflow") {
    flood(stream, FrameType::kStdout, msb::wire::kMaxPayloadBytes);
  } else if (manner == "empty") {
    flood(stream, FrameType::kStdout, 0);
  } else if (manner == "half") {
    std::vector<std::byte> frame;
    msb::wire::append_frame(frame, stream, FrameType::kStdout, std::vector<std::byte>(1000));
    write_or_end(frame.data(), frame.size() / 2);
    sleep_for_ever();
  } else if (manner == "wrong-end") {
    send(stream, FrameType::kExited, std::vector<std::byte>(6));
  } else if (manner == "bad-end") {
    send(stream, FrameType::kReplDone, std::vector<std::byte>(6, std::byte{0xff}));
  } else if (manner == "dies") {
    ::_exit(0);
  } else if (manner == "polite") {
    send(stream, FrameType::kReplDone, std::vector<std::byte>(6));  // success
  }
}

}  // namespace

int main() {
  utsname names{};
  ::uname(&names);
  const std::string manner = names.nodename;
  before_hello(manner);
  msb::wire::FrameReader reader;
  for (;;) {
    const auto buffer = reader.prepare();
    const ssize_t size = ::read(kStream, buffer.data(), buffer.size());
    if (size <= 0) {
      return 0;
    }
    reader.commit(static_cast<std::size_t>(size));
    for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
      const std::vector<std::byte> payload((*frame)->payload.begin(), (*frame)->payload.end());
      if ((*frame)->type == FrameType::kHello) {
        send(0, FrameType::kHelloReply, payload);
        after_hello(manner);
      } else if ((*frame)->type == FrameType::kPing) {
        send(0, FrameType::kPong);
      } else if ((*frame)->type == FrameType::kRepl) {
        on_run(manner, (*frame)->stream);
      }
    }
  }
}
