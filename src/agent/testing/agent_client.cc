// SPDX-License-Identifier: Apache-2.0
#include "agent/testing/agent_client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/locations.h"
#include "base/sys.h"

namespace msb::agent::testing {

using Clock = std::chrono::steady_clock;
using wire::FrameType;

// Of a program in which a sanitizer has found something, and of no other.
constexpr int kSanitizerExit = 99;

Result<std::unique_ptr<AgentClient>> AgentClient::start_silent(const ClientOptions& options) {
  const std::string program = TRY(base::find_program("msb-agent"));
  auto [ours, theirs] = TRY(base::sys::socketpair(AF_UNIX, SOCK_STREAM));
  TRY(base::sys::set_nonblocking(ours.get(), true));
  std::vector<std::string> argv = {program};
  if (!options.agent_is_root && ::geteuid() == 0) {
    argv = {"/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", program};
  }
  const std::string exit_code = "exitcode=" + std::to_string(kSanitizerExit);
  base::ChildProcess agent = TRY(base::ChildProcess::spawn(
      {.path = argv.front(),
       .argv = argv,
       .env = {{"ASAN_OPTIONS=" + exit_code, "TSAN_OPTIONS=" + exit_code}},
       .fds = {{theirs.get(), 3}, {STDERR_FILENO, STDERR_FILENO}}}));
  return std::unique_ptr<AgentClient>(new AgentClient(std::move(agent), std::move(ours)));
}

Result<std::unique_ptr<AgentClient>> AgentClient::start(const ClientOptions& options) {
  auto client = TRY(start_silent(options));
  client->send(0, wire::Hello{.instance_id = "test"});
  client->send(0, wire::Configure{options.env, options.workdir, options.user});
  if (!client->wait([&] { return client->hello_.has_value(); })) {
    return fail(ErrorCode::kTimeout, "the agent did not answer hello");
  }
  return client;
}

AgentClient::~AgentClient() {
  stream_.reset();
  const auto end = agent_.wait(kDeadline).value_or(std::nullopt);
  EXPECT_FALSE(end && !end->signaled && end->code == kSanitizerExit)
      << "a sanitizer has found something in the agent; its report is above";
}

void AgentClient::send(std::uint32_t stream, FrameType type, std::span<const std::byte> payload) {
  std::vector<std::byte> frame;
  wire::append_frame(frame, stream, type, payload);
  send_raw(frame);
}

void AgentClient::send_raw(std::span<const std::byte> bytes) {
  outgoing_.insert(outgoing_.end(), bytes.begin(), bytes.end());
  if (std::exchange(flushing_, true)) {
    return;  // called while receiving below; the loop sends it
  }
  const auto deadline = Clock::now() + kDeadline;
  while (!outgoing_.empty() && !hung_up_ && Clock::now() < deadline) {
    const ssize_t size = ::send(stream_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (size >= 0) {
      outgoing_.erase(outgoing_.begin(), outgoing_.begin() + size);
    } else if (errno == EAGAIN) {
      // The agent may be waiting for us to read.
      pollfd ready{.fd = stream_.get(), .events = POLLIN | POLLOUT, .revents = 0};
      ::poll(&ready, 1, 100);
      receive(std::chrono::milliseconds(0));
    } else {
      hung_up_ = true;
    }
  }
  flushing_ = false;
}

std::uint32_t AgentClient::exec(const wire::Exec& request) {
  const std::uint32_t stream = new_stream();
  send(stream, request);
  return stream;
}

std::uint32_t AgentClient::shell(const std::string& script, std::uint64_t timeout_ms) {
  wire::Exec request;
  request.argv = {"sh", "-c", script};
  request.timeout_ms = timeout_ms;
  return exec(request);
}

std::uint32_t AgentClient::repl(wire::Language language, std::string_view code,
                                std::uint64_t timeout_ms) {
  const std::uint32_t stream = new_stream();
  send(stream, wire::Repl{.language = language, .timeout_ms = timeout_ms});
  while (!code.empty()) {
    const std::string_view piece = code.substr(0, wire::kMaxPayloadBytes);
    send(stream, FrameType::kReplCode, base::bytes_of(piece));
    code.remove_prefix(piece.size());
  }
  end(stream);
  return stream;
}

std::uint32_t AgentClient::practise(wire::Language language) {
  const std::uint32_t stream = new_stream();
  send(stream, wire::Repl{.language = language, .is_practice = true});
  return stream;
}

std::uint32_t AgentClient::connect(std::uint16_t port) {
  const std::uint32_t stream = new_stream();
  send(stream, wire::Connect{port});
  return stream;
}

std::uint32_t AgentClient::write_file(const wire::WriteFile& request) {
  const std::uint32_t stream = new_stream();
  send(stream, request);
  return stream;
}

void AgentClient::signal(std::uint32_t stream, int number) {
  send(stream, wire::Signal{number});
}

void AgentClient::send_data(std::uint32_t stream, std::string_view bytes) {
  Received& state = streams_[stream];
  while (!bytes.empty()) {
    if (!wait([&] { return state.credit > 0 || state.closed(); }) || state.closed()) {
      return;
    }
    const std::size_t size =
        std::min<std::uint64_t>({bytes.size(), state.credit, wire::kMaxPayloadBytes});
    send(stream, FrameType::kData, base::bytes_of(bytes.substr(0, size)));
    state.credit -= size;
    bytes.remove_prefix(size);
  }
}

void AgentClient::release_credit(std::uint32_t stream) {
  Received& state = streams_[stream];
  state.grant = true;
  send(stream, wire::Credit{static_cast<std::uint32_t>(state.untold_credit)});
  state.untold_credit = 0;
}

void AgentClient::take_data(const wire::Frame& frame) {
  Received& state = streams_[frame.stream];
  state.out_bytes += frame.type == FrameType::kStderr ? 0 : frame.payload.size();
  if (state.keep_text) {
    (frame.type == FrameType::kStderr ? state.err : state.out) += base::text_of(frame.payload);
  }
  state.untold_credit += frame.payload.size();
  if (state.grant && state.untold_credit >= wire::kInitialCreditBytes / 4) {
    release_credit(frame.stream);
  }
}

void AgentClient::take(const wire::Frame& frame) {
  if (wire::is_data(frame.type)) {
    take_data(frame);
    return;
  }
  Received& state = streams_[frame.stream];
  state.order.push_back(frame.type);
  switch (frame.type) {
    case FrameType::kHelloReply:
      hello_ = wire::HelloReply::decode(frame.payload).value();
      break;
    case FrameType::kResting:
      rests_ = true;
      break;
    case FrameType::kPong:
      ++pongs_;
      break;
    case FrameType::kStarted:
      state.started = wire::Started::decode(frame.payload).value();
      break;
    case FrameType::kExited:
      state.exited = wire::Exited::decode(frame.payload).value();
      break;
    case FrameType::kReplDone:
      state.done = wire::ReplDone::decode(frame.payload).value();
      break;
    case FrameType::kFailed:
      state.failed = wire::Failed::decode(frame.payload).value();
      break;
    case FrameType::kOutputCut:
      state.cut = wire::OutputCut::decode(frame.payload).value();
      break;
    case FrameType::kMeasured:
      state.measured = wire::Measured::decode(frame.payload).value();
      break;
    case FrameType::kLimitsMet:
      state.limits = wire::LimitsMet::decode(frame.payload).value();
      break;
    case FrameType::kCredit:
      state.credit += wire::Credit::decode(frame.payload).value().size_bytes;
      break;
    case FrameType::kConnected:
      state.connected = true;
      break;
    case FrameType::kEnd:
      state.peer_ended = true;
      break;
    case FrameType::kDone:
      state.plain_done = true;
      break;
    default:
      break;
  }
}

// Takes what has arrived, after waiting for something up to `timeout`. False: hung up.
bool AgentClient::has_bytes_within(std::chrono::milliseconds time) const {
  return base::sys::poll_one(stream_.get(), POLLIN, time).value_or(false);
}

bool AgentClient::receive(std::chrono::milliseconds timeout) {
  pollfd ready{.fd = stream_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(timeout.count())) <= 0) {
    return true;
  }
  const auto size = base::sys::read(stream_.get(), reader_.prepare(256 * 1024));
  if (!size && size.error().sys_errno() == EAGAIN) {
    return true;
  }
  if (!size || *size == 0) {
    hung_up_ = true;
    return false;
  }
  reader_.commit(*size);
  while (const auto frame = reader_.next().value()) {
    take(*frame);
  }
  return true;
}

bool AgentClient::wait(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + kDeadline;
  while (!condition()) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (hung_up_ || left.count() <= 0) {
      return false;
    }
    receive(left);
  }
  return true;
}

Received& AgentClient::finish(std::uint32_t stream) {
  Received& state = streams_[stream];
  wait([&] { return state.closed(); });
  return state;
}

bool AgentClient::ping() {
  const std::size_t before = pongs_;
  send(0, FrameType::kPing);
  return wait([&] { return pongs_ > before; });
}

std::optional<base::ExitStatus> AgentClient::wait_for_exit() {
  wait([&] { return hung_up_; });
  return agent_.wait(kDeadline).value_or(std::nullopt);
}

}  // namespace msb::agent::testing
