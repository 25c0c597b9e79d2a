// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/qmp.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/sys.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;
using nlohmann::json;

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxTextBytes = 512;

// What a person may be shown of it.
std::string printable(std::string_view text) {
  std::string shown(text.substr(0, kMaxTextBytes));
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return shown;
}

// `object[key]`, if it is text.
std::optional<std::string> text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    return std::nullopt;
  }
  return printable(found->get_ref<const std::string&>());
}

std::unexpected<Error> malformed() {
  return fail(ErrorCode::kCorrupt, "QEMU's monitor: not a message");
}

}  // namespace

Result<QmpMessage> parse_qmp(std::string_view line) {
  bool too_deep = false;
  const auto shallow = [&too_deep](int depth, json::parse_event_t, json&) {
    too_deep |= depth > kMaxDepth;
    return !too_deep;
  };
  json message = json::parse(line, shallow, /*allow_exceptions=*/false);
  if (too_deep || message.is_discarded() || !message.is_object()) {
    return malformed();
  }
  if (message.contains("QMP")) {
    return QmpMessage{.kind = QmpMessage::Kind::kGreeting, .value = {}, .text = {}};
  }
  if (const auto found = message.find("return"); found != message.end()) {
    return QmpMessage{.kind = QmpMessage::Kind::kReturn, .value = std::move(*found), .text = {}};
  }
  if (const auto found = message.find("error"); found != message.end() && found->is_object()) {
    return QmpMessage{.kind = QmpMessage::Kind::kError,
                      .value = {},
                      .text = text_in(*found, "desc").value_or("no reason")};
  }
  if (auto event = text_in(message, "event")) {
    return QmpMessage{.kind = QmpMessage::Kind::kEvent, .value = {}, .text = *std::move(event)};
  }
  return malformed();
}

Result<QmpClient> QmpClient::create(base::UniqueFd socket, Clock::time_point deadline) {
  TRY(sys::set_nonblocking(socket.get(), true));
  QmpClient client(std::move(socket));
  if (TRY(client.receive(deadline)).kind != QmpMessage::Kind::kGreeting) {
    return malformed();
  }
  TRY(client.execute("qmp_capabilities", json::object(), deadline));
  return client;
}

Result<json> QmpClient::execute(const std::string& command, const json& arguments,
                                Clock::time_point deadline) {
  return execute_with_fd(command, arguments, -1, deadline);
}

Result<json> QmpClient::execute_with_fd(const std::string& command, const json& arguments, int fd,
                                        Clock::time_point deadline) {
  const std::string text = json{{"execute", command}, {"arguments", arguments}}.dump() + "\n";
  // Far less than a socket's buffer: it goes as a whole, or QEMU does not read.
  TRY_WRAP(sys::send_message(socket_.get(), base::bytes_of(text),
                             fd < 0 ? std::span<const int>() : std::span(&fd, 1)),
           command);
  for (;;) {
    QmpMessage message = TRY_WRAP(receive(deadline), command);
    switch (message.kind) {
      case QmpMessage::Kind::kReturn:
        return std::move(message.value);
      case QmpMessage::Kind::kError:
        return fail(ErrorCode::kInternal, "QEMU: " + command + ": " + message.text);
      case QmpMessage::Kind::kEvent:
        break;
      case QmpMessage::Kind::kGreeting:
        return malformed();
    }
  }
}

Result<bool> QmpClient::drain() {
  const bool open = TRY(read_some());
  while (const auto line = TRY(next_line())) {
    TRY(parse_qmp(*line));
  }
  return open;
}

Result<QmpMessage> QmpClient::receive(Clock::time_point deadline) {
  for (;;) {
    if (const auto line = TRY(next_line())) {
      return parse_qmp(*line);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0 || !TRY(sys::poll_one(socket_.get(), POLLIN, left))) {
      return fail(ErrorCode::kTimeout, "QEMU's monitor does not answer");
    }
    if (!TRY(read_some())) {
      return fail(ErrorCode::kUnavailable, "QEMU's monitor is closed");
    }
  }
}

Result<std::optional<std::string>> QmpClient::next_line() {
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos) {
    return buffer_.size() > kMaxQmpLineBytes ? Result<std::optional<std::string>>(malformed())
                                             : Result<std::optional<std::string>>(std::nullopt);
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

// At most one bufferful: a line is looked for before the next is read.
Result<bool> QmpClient::read_some() {
  std::array<std::byte, 16 * 1024> chunk;
  const auto size = sys::read(socket_.get(), chunk);
  if (!size) {
    switch (size.error().sys_errno()) {
      case EAGAIN:
        return true;
      case ECONNRESET:  // closed, with something of ours unread
        return false;
      default:
        return std::unexpected(size.error());
    }
  }
  buffer_ += base::text_of(std::span(chunk).first(*size));
  return *size > 0;
}

}  // namespace msb::isolation::microvm
