// SPDX-License-Identifier: Apache-2.0
//
// Sessions of MCP clients: the revision they have agreed on and the calls that run for them. A
// session belongs to the namespace of the key it was made with. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/try.h"
#include "rpc/json.h"
#include "rpc/token.h"

namespace msb::server {

class McpSession {
 public:
  McpSession(std::string id, std::string_view revision, std::string namespace_name)
      : id_(std::move(id)), revision_(revision), namespace_name_(std::move(namespace_name)) {}

  const std::string& id() const { return id_; }
  std::string_view revision() const { return revision_; }
  const std::string& namespace_name() const { return namespace_name_; }

  // A call that runs, and can be cancelled by the id of its request, until the object goes.
  class Running {
   public:
    Running(std::shared_ptr<McpSession> session, const rpc::Json& request_id);
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running();
    std::stop_source& stop() { return stop_; }

   private:
    const std::shared_ptr<McpSession> session_;  // null: a call outside of every session
    const std::string key_;
    std::stop_source stop_;
  };

  void cancel(const rpc::Json& request_id);
  // Ends everything that runs in it.
  void end();
  std::stop_token ended() const { return ended_.get_token(); }
  bool is_busy();

 private:
  const std::string id_;
  const std::string_view revision_;  // one of the constants
  const std::string namespace_name_;
  std::stop_source ended_;
  std::mutex mutex_;  // guards what follows
  std::multimap<std::string, std::stop_source> running_;
};

class McpSessions {
 public:
  static constexpr std::size_t kMaxSessions = 4096;

  // Where there are too many, the one that was idle longest makes room.
  // kResourceExhausted: all of them are busy.
  Result<std::shared_ptr<McpSession>> create(const rpc::Claims& claims, std::string_view revision);
  // Null: there is none of that id for that key.
  std::shared_ptr<McpSession> find(std::string_view id, const rpc::Claims& claims);
  bool remove(std::string_view id, const rpc::Claims& claims);
  void end_all();

 private:
  struct Entry {
    std::shared_ptr<McpSession> session;
    std::chrono::steady_clock::time_point used;
  };
  bool make_room();

  std::mutex mutex_;  // guards what follows
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace msb::server
