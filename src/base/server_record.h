// SPDX-License-Identifier: Apache-2.0
//
// $MSB_HOME/server.pid: the server of a home, and how to reach it. The one thing that the server
// and the command line share beside the protocol.
//
//   4711                              the first line is the pid, as in every such file
//   url http://127.0.0.1:5555         from here on: once the server is reachable
//   version 0.1.0
//   since 1700000000
//   ...
//
// Whether it lives is what the kernel says, not what the file says: the server holds two locks on
// the file, which end with it however it ends.
//
//   take() ─► [starting] ─ publish() ─► [reachable] ─ withdraw() ─► [ending] ─► gone, with the file
//                 └────────────────────── kill -9 ──────────────────────┴─────► stale: no lock
//
// These are the old record locks (F_SETLK) and not those of open file descriptions, because only
// they tell who holds them, in the asker's own pid namespace. In return they belong to a process:
// the one that holds a claim must not open this file again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::base {

struct ServerRecord {
  std::string url;  // empty: not reachable yet
  std::string version;
  std::int64_t started_at = 0;  // unix seconds
  bool needs_key = true;        // false: development mode
  std::string certificate;      // PEM file that it shows to https clients; empty: http
  std::string log_file;         // empty: it logs to the stderr that it was started with
  bool is_ending = false;       // it takes no more calls
};

// The right to be the server of a home. The file is removed with it.
class ServerClaim {
 public:
  // Nothing: another server of this home is reachable. One that is starting is waited for until it
  // is, one that is ending until it has. `home` exists.
  static Result<std::optional<ServerClaim>> take(const std::string& home);
  ServerClaim(ServerClaim&&) noexcept = default;
  ServerClaim& operator=(ServerClaim&&) = delete;
  ~ServerClaim();

  // Once, when the server can be reached.
  Result<> publish(const ServerRecord& record);
  // Once, when it has begun to end. From any thread.
  Result<> withdraw();

 private:
  ServerClaim(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  UniqueFd file_;
};

struct FoundServer {
  pid_t pid = 0;  // 0: dead, this is what it left
  ServerRecord record;
};

enum class Starting {
  kWaitFor,  // until it is reachable or dead
  kShow,     // as it is
};

// Nothing: no server has left its file. kConflict: it lives, but where its pid means nothing here
// (in another container).
Result<std::optional<FoundServer>> find_server(const std::string& home, Starting starting);

// Exposed for tests. Lines that are not whole, or not known, are skipped.
std::string encode(pid_t pid, const ServerRecord& record);
ServerRecord decode_server_record(std::string_view text);

}  // namespace msb::base
