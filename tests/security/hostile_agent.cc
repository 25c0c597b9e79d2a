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
#include "wire/messages.h"

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
  if (manner == "early") {
    send(1, FrameType::kDone);  // the answer to a request that it cannot have read
    sleep_for_ever();
  }
  if (manner == "half-greeting") {
    std::vector<std::byte> frame;
    msb::wire::append_frame(frame, 0, FrameType::kHelloReply, std::vector<std::byte>(20));
    write_or_end(frame.data(), frame.size() - 1);
    ::_exit(0);
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

// What may be said, but not in earnest. Each ends as a run that succeeded.
void harmless(const std::string& manner, std::uint32_t stream) {
  const std::vector<std::byte> success(6);
  if (manner == "cut-lies") {
    const std::vector<std::byte> most(8, std::byte{0xff});
    send(stream, FrameType::kOutputCut, most);
    send(stream, FrameType::kOutputCut, most);
  }
  send(stream, FrameType::kReplDone, success);
  if (manner == "ends-often") {
    for (int i = 0; i < 10'000; ++i) {
      send(stream, FrameType::kReplDone, success);
      send(stream, FrameType::kStdout, {std::byte{'x'}});
    }
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
  } else if (manner == "stranger") {
    send(stream + 1, FrameType::kStdout, {std::byte{'x'}});
  } else if (manner == "greets-again") {
    send(stream, FrameType::kHelloReply, std::vector<std::byte>(20));
  } else if (manner == "credit-lies") {
    for (;;) {
      send(stream, FrameType::kCredit, std::vector<std::byte>(4, std::byte{0xff}));
    }
  } else if (manner == "essay") {
    send(stream, FrameType::kFailed, std::vector<std::byte>(200'000, std::byte{'x'}));
  } else if (manner == "escape-codes") {
    // Code 2, errno 0, and a text that would clear the reader's terminal.
    send(stream, FrameType::kFailed,
         msb::wire::Failed{.code = msb::ErrorCode::kNotFound,
                           .sys_errno = 0,
                           .text = "\x1b[2J\x1b]0;owned\x07\r\nHTTP/1.1 200 OK"}
             .encode());
  } else {
    harmless(manner, stream);
  }
}

// As much as the host gives back at a time, in lines of two bytes.
void pour(std::uint32_t stream) {
  constexpr std::size_t kPieces = 4;
  std::vector<std::byte> lines(msb::wire::kInitialCreditBytes / 4 / kPieces, std::byte{'x'});
  for (std::size_t i = 1; i < lines.size(); i += 2) {
    lines[i] = std::byte{'\n'};
  }
  for (std::size_t i = 0; i < kPieces; ++i) {
    send(stream, FrameType::kStdout, lines);
  }
}

}  // namespace

int main() {
  utsname names{};
  ::uname(&names);
  const std::string manner = names.nodename;
  before_hello(manner);
  msb::wire::FrameReader reader;
  std::uint32_t stream_of_log = 0;
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
      } else if ((*frame)->type == FrameType::kExec && manner == "log-flood") {
        send((*frame)->stream, FrameType::kStarted, std::vector<std::byte>(4));
        stream_of_log = (*frame)->stream;
        pour(stream_of_log);
      } else if ((*frame)->type == FrameType::kCredit && (*frame)->stream == stream_of_log) {
        pour(stream_of_log);
      } else if ((*frame)->type == FrameType::kRepl) {
        on_run(manner, (*frame)->stream);
      }
    }
  }
}
