// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_stdio.h"

#include <poll.h>

#include <array>
#include <chrono>
#include <expected>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "rpc/reply.h"
#include "server/mcp_call.h"
#include "server/worker_pool.h"

namespace msb::server {
namespace {

constexpr std::size_t kMaxLineBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxCalls = 32;
constexpr std::size_t kMaxWaiting = 256;
constexpr std::chrono::milliseconds kProgressTime{500};
using Clock = std::chrono::steady_clock;

// Whole lines, from any thread.
class LineWriter {
 public:
  explicit LineWriter(int fd) : fd_(fd) {}

  Result<> write(const rpc::Json& message) {
    const std::lock_guard lock(mutex_);
    return write_locked(message);
  }
  // The answer to a call: nothing is said of its progress after it.
  Result<> write_last(const rpc::Json& message, McpProgress* progress) {
    const std::lock_guard lock(mutex_);
    if (progress != nullptr) {
      progress->end();
    }
    return write_locked(message);
  }
  Result<> write_news(McpProgress& progress) {
    const std::lock_guard lock(mutex_);
    const auto news = progress.next();
    return news ? write_locked(*news) : Result<>();
  }

 private:
  Result<> write_locked(const rpc::Json& message) {
    return base::write_all(fd_, rpc::to_text(message) + "\n");
  }

  const int fd_;
  std::mutex mutex_;  // guards the order of lines
};

class Conversation {
 public:
  Conversation(const McpDispatcher& dispatcher, int output_fd)
      : dispatcher_(dispatcher), output_(output_fd), calls_(kMaxCalls, kMaxWaiting) {}
  ~Conversation() { session_->end(); }

  Result<> take(std::string_view line);
  // Tells of the progress of what runs.
  void report();

 private:
  struct Followed {
    std::weak_ptr<McpProgress> progress;
    std::stop_token stop;
  };

  Result<> take_message(rpc::McpMessage message);
  Result<> take_batch(rpc::Json body);
  void take_notification(const rpc::McpMessage& message);
  // In whose name `request` is answered: the client of the handshake, or the request itself.
  std::expected<McpCaller, rpc::McpRefusal> find_caller(const rpc::McpMessage& request) const;
  McpCall call(McpCaller caller) const;
  Result<> begin(McpCall call);

  const McpDispatcher& dispatcher_;
  LineWriter output_;
  // Nobody speaks this way but to a server of this kind.
  McpCaller caller_{.claims = {}, .revision = rpc::kMcpFirstRevision, .has_agreed = true};
  const std::shared_ptr<McpSession> session_ =
      std::make_shared<McpSession>("stdio", rpc::kMcpNewestHandshakeRevision, rpc::kAllNamespaces);
  std::list<Followed> followed_;
  WorkerPool calls_;  // last, so that it ends first
};

McpCall Conversation::call(McpCaller caller) const {
  McpCall call;
  call.dispatcher = &dispatcher_;
  call.caller = std::move(caller);
  return call;
}

Result<> Conversation::begin(McpCall call) {
  const McpCall::Part& first = call.parts.front();
  const rpc::Json* token = call.is_batch ? nullptr : rpc::find_progress_token(first.request);
  if (token != nullptr) {
    call.progress = std::make_shared<McpProgress>(*token);
    followed_.push_back({.progress = call.progress, .stop = first.running->stop().get_token()});
  }
  const rpc::Json id = rpc::answer_id(first.request);
  WorkerPool::Task task = [this, call = std::move(call)] {
    const rpc::Json answer = call.run();
    // Who has cancelled wants to hear no more of it.
    if (call.is_batch || !call.parts.front().running->stop().stop_requested()) {
      // Where nobody reads any more there is nobody to tell.
      [[maybe_unused]] const auto written = output_.write_last(answer, call.progress.get());
    }
  };
  if (!calls_.try_post(std::move(task))) {
    return output_.write(
        rpc::error_object(rpc::kInternalError, "Internal error: too many calls are running", id));
  }
  return {};
}

std::expected<McpCaller, rpc::McpRefusal> Conversation::find_caller(
    const rpc::McpMessage& request) const {
  const std::string* named = rpc::find_request_revision(request);
  if (named == nullptr) {
    return caller_;
  }
  if (auto refusal = rpc::check_request_meta(request)) {
    return std::unexpected(*std::move(refusal));
  }
  const auto revision = rpc::find_mcp_revision(*named);
  if (!revision) {
    return std::unexpected(rpc::refuse_revision(*named));
  }
  McpCaller caller = caller_;
  caller.revision = *revision;
  return caller;
}

void Conversation::take_notification(const rpc::McpMessage& message) {
  if (message.method != "notifications/cancelled") {
    return;
  }
  if (const rpc::Json* id = rpc::find_present(message.params, "requestId")) {
    session_->cancel(*id);
  }
}

Result<> Conversation::take_message(rpc::McpMessage message) {
  if (message.kind != rpc::McpMessage::Kind::kRequest) {
    take_notification(message);
    return {};
  }
  auto caller = find_caller(message);
  if (!caller) {
    return output_.write(rpc::mcp_refusal(caller.error(), rpc::answer_id(message)));
  }
  if (message.method == "tools/call") {
    McpCall tool = call(*std::move(caller));
    tool.add(std::move(message), session_);
    return begin(std::move(tool));
  }
  const rpc::Json answer = dispatcher_.answer(message, *caller, nullptr, {});
  if (message.method == "initialize" && answer.contains("result")) {
    const std::string agreed = answer["result"]["protocolVersion"];
    caller_.revision = rpc::find_mcp_revision(agreed).value_or(rpc::kMcpFirstRevision);
  }
  return output_.write(answer);
}

Result<> Conversation::take_batch(rpc::Json body) {
  if (caller_.revision != rpc::kMcpBatchRevision) {
    return output_.write(rpc::decode_mcp_message(std::move(body)).error());
  }
  auto batch = rpc::decode_mcp_batch(std::move(body));
  if (!batch) {
    return output_.write(batch.error());
  }
  McpCall all = call(caller_);
  all.is_batch = true;
  all.refusals = std::move(batch->refusals);
  for (rpc::McpMessage& message : batch->messages) {
    if (message.kind == rpc::McpMessage::Kind::kRequest) {
      all.add(std::move(message), session_);
    } else {
      take_notification(message);
    }
  }
  if (!all.parts.empty()) {
    return begin(std::move(all));
  }
  return all.refusals.empty() ? Result<>() : output_.write(all.refusals);
}

Result<> Conversation::take(std::string_view line) {
  auto json = rpc::parse_json(line, rpc::kMaxRequestValues);
  if (!json) {
    return output_.write(rpc::error_object(
        rpc::kParseError, "Failed to parse the message as JSON: " + json.error().message(),
        rpc::Json()));
  }
  if (json->is_array()) {
    return take_batch(*std::move(json));
  }
  auto message = rpc::decode_mcp_message(*std::move(json));
  return message ? take_message(*std::move(message)) : output_.write(message.error());
}

void Conversation::report() {
  for (auto entry = followed_.begin(); entry != followed_.end();) {
    const auto progress = entry->progress.lock();
    if (!progress || entry->stop.stop_requested()) {
      entry = followed_.erase(entry);
      continue;
    }
    [[maybe_unused]] const auto written = output_.write_news(*progress);
    ++entry;
  }
}

}  // namespace

Result<> serve_mcp(const McpDispatcher& dispatcher, int input_fd, int output_fd) {
  Conversation conversation(dispatcher, output_fd);
  std::string waiting;
  std::array<std::byte, 64 * 1024> block;
  auto reported = Clock::now();
  while (true) {
    const bool can_read = TRY(base::sys::poll_one(input_fd, POLLIN, kProgressTime));
    if (Clock::now() - reported >= kProgressTime) {
      conversation.report();
      reported = Clock::now();
    }
    if (!can_read) {
      continue;
    }
    const std::size_t size = TRY(base::sys::read(input_fd, block));
    if (size == 0) {
      return {};
    }
    const std::size_t searched = waiting.size();
    // SAFETY: char may alias any object representation.
    waiting.append(reinterpret_cast<const char*>(block.data()), size);
    std::size_t taken = 0;
    for (auto end = waiting.find('\n', searched); end != std::string::npos;
         end = waiting.find('\n', taken)) {
      std::string_view line(waiting.data() + taken, end - taken);
      taken = end + 1;
      if (line.ends_with('\r')) {
        line.remove_suffix(1);
      }
      if (!line.empty()) {
        TRY(conversation.take(line));
      }
    }
    waiting.erase(0, taken);
    if (waiting.size() > kMaxLineBytes) {
      return fail(ErrorCode::kCorrupt, "a message is longer than 16 MiB");
    }
  }
}

}  // namespace msb::server
