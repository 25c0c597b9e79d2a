// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_stdio.h"

#include <poll.h>

#include <array>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "rpc/reply.h"
#include "server/mcp_sessions.h"
#include "server/worker_pool.h"

namespace msb::server {
namespace {

constexpr std::size_t kMaxLineBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxCalls = 32;
constexpr std::size_t kMaxWaiting = 256;
constexpr std::chrono::milliseconds kProgressTime{500};

// Whole lines, from any thread.
class LineWriter {
 public:
  explicit LineWriter(int fd) : fd_(fd) {}
  Result<> write(const rpc::Json& message) {
    const std::string line = rpc::to_text(message) + "\n";
    const std::lock_guard lock(mutex_);
    return base::write_all(fd_, line);
  }

 private:
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
  Result<> begin_call(rpc::McpMessage request);

  const McpDispatcher& dispatcher_;
  LineWriter output_;
  McpCaller caller_{.claims = {}, .revision = rpc::kMcpFirstRevision};
  const std::shared_ptr<McpSession> session_ =
      std::make_shared<McpSession>("stdio", rpc::kMcpNewestRevision, rpc::kAllNamespaces);
  std::list<std::weak_ptr<McpProgress>> progress_;
  WorkerPool calls_;  // last, so that it ends first
};

Result<> Conversation::begin_call(rpc::McpMessage request) {
  std::shared_ptr<McpProgress> progress;
  if (const rpc::Json* token = rpc::find_progress_token(request)) {
    progress = std::make_shared<McpProgress>(*token);
    progress_.emplace_back(progress);
  }
  const rpc::Json id = *request.id;
  // Made here, so that a cancellation right behind it finds it.
  auto running = std::make_unique<McpSession::Running>(session_, id);
  WorkerPool::Task task = [this, request = std::move(request), progress = std::move(progress),
                           running = std::move(running), caller = caller_] {
    const rpc::Json answer =
        dispatcher_.answer(request, caller, progress.get(), running->stop().get_token());
    if (!running->stop().stop_requested()) {
      // Where nobody reads any more there is nobody to tell.
      [[maybe_unused]] const auto written = output_.write(answer);
    }
  };
  if (!calls_.try_post(std::move(task))) {
    return output_.write(
        rpc::error_object(rpc::kInternalError, "Internal error: too many calls are running", id));
  }
  return {};
}

Result<> Conversation::take(std::string_view line) {
  auto json = rpc::parse_json(line);
  if (!json) {
    return output_.write(rpc::error_object(
        rpc::kParseError, "Failed to parse the message as JSON: " + json.error().message(),
        rpc::Json()));
  }
  auto message = rpc::decode_mcp_message(*std::move(json));
  if (!message) {
    return output_.write(message.error());
  }
  if (message->kind == rpc::McpMessage::Kind::kNotification &&
      message->method == "notifications/cancelled") {
    if (const rpc::Json* id = rpc::find_present(message->params, "requestId")) {
      session_->cancel(*id);
    }
  }
  if (message->kind != rpc::McpMessage::Kind::kRequest) {
    return {};
  }
  if (message->method == "tools/call") {
    return begin_call(*std::move(message));
  }
  const rpc::Json answer = dispatcher_.answer(*message, caller_, nullptr, {});
  if (message->method == "initialize") {
    const std::string agreed = answer["result"]["protocolVersion"];
    caller_.revision = rpc::find_mcp_revision(agreed).value_or(rpc::kMcpFirstRevision);
  }
  return output_.write(answer);
}

void Conversation::report() {
  for (auto entry = progress_.begin(); entry != progress_.end();) {
    const auto progress = entry->lock();
    if (!progress) {
      entry = progress_.erase(entry);
      continue;
    }
    if (const auto news = progress->next()) {
      [[maybe_unused]] const auto written = output_.write(*news);
    }
    ++entry;
  }
}

}  // namespace

Result<> serve_mcp(const McpDispatcher& dispatcher, int input_fd, int output_fd) {
  Conversation conversation(dispatcher, output_fd);
  std::string waiting;
  std::array<std::byte, 64 * 1024> block;
  while (true) {
    if (!TRY(base::sys::poll_one(input_fd, POLLIN, kProgressTime))) {
      conversation.report();
      continue;
    }
    const std::size_t size = TRY(base::sys::read(input_fd, block));
    if (size == 0) {
      return {};
    }
    std::size_t searched = waiting.size();
    // SAFETY: char may alias any object representation.
    waiting.append(reinterpret_cast<const char*>(block.data()), size);
    for (auto end = waiting.find('\n', searched); end != std::string::npos;
         end = waiting.find('\n')) {
      std::string line = waiting.substr(0, end);
      waiting.erase(0, end + 1);
      if (line.ends_with('\r')) {
        line.pop_back();
      }
      if (!line.empty()) {
        TRY(conversation.take(line));
      }
    }
    if (waiting.size() > kMaxLineBytes) {
      return fail(ErrorCode::kCorrupt, "a message is longer than 16 MiB");
    }
  }
}

}  // namespace msb::server
