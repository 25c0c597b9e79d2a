// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_sessions.h"

#include <algorithm>
#include <utility>

#include "server/random_text.h"

namespace msb::server {

McpSession::Running::Running(std::shared_ptr<McpSession> session, const rpc::Json& request_id)
    : session_(std::move(session)), key_(rpc::to_text(request_id)) {
  if (session_) {
    const std::lock_guard lock(session_->mutex_);
    session_->running_.emplace(key_, stop_);
    if (session_->ended_.stop_requested()) {
      stop_.request_stop();
    }
  }
}

McpSession::Running::~Running() {
  if (!session_) {
    return;
  }
  const std::lock_guard lock(session_->mutex_);
  const auto [first, last] = session_->running_.equal_range(key_);
  const auto own =
      std::find_if(first, last, [this](const auto& entry) { return entry.second == stop_; });
  if (own != last) {
    session_->running_.erase(own);
  }
}

void McpSession::cancel(const rpc::Json& request_id) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = running_.equal_range(rpc::to_text(request_id));
  for (auto entry = first; entry != last; ++entry) {
    entry->second.request_stop();
  }
}

void McpSession::end() {
  ended_.request_stop();
  const std::lock_guard lock(mutex_);
  for (auto& [id, stop] : running_) {
    stop.request_stop();
  }
}

bool McpSession::is_busy() {
  const std::lock_guard lock(mutex_);
  return !running_.empty();
}

bool McpSessions::make_room() {
  if (entries_.size() < kMaxSessions) {
    return true;
  }
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!entry->second.session->is_busy() &&
        (oldest == entries_.end() || entry->second.used < oldest->second.used)) {
      oldest = entry;
    }
  }
  if (oldest == entries_.end()) {
    return false;
  }
  oldest->second.session->end();
  entries_.erase(oldest);
  return true;
}

Result<std::shared_ptr<McpSession>> McpSessions::create(const rpc::Claims& claims,
                                                        std::string_view revision) {
  constexpr std::size_t kIdChars = 32;
  std::string id = TRY(random_text(kIdChars));
  auto session = std::make_shared<McpSession>(id, revision, claims.namespace_name);
  const std::lock_guard lock(mutex_);
  if (!make_room()) {
    return fail(ErrorCode::kResourceExhausted, "too many MCP sessions are busy");
  }
  entries_[std::move(id)] = {.session = session, .used = std::chrono::steady_clock::now()};
  return session;
}

std::shared_ptr<McpSession> McpSessions::find(std::string_view id, const rpc::Claims& claims) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end() || entry->second.session->namespace_name() != claims.namespace_name) {
    return nullptr;
  }
  entry->second.used = std::chrono::steady_clock::now();
  return entry->second.session;
}

bool McpSessions::remove(std::string_view id, const rpc::Claims& claims) {
  const auto session = find(id, claims);
  if (!session) {
    return false;
  }
  session->end();
  const std::lock_guard lock(mutex_);
  if (const auto entry = entries_.find(id); entry != entries_.end()) {
    entries_.erase(entry);
  }
  return true;
}

void McpSessions::end_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    entry.session->end();
  }
  entries_.clear();
}

}  // namespace msb::server
