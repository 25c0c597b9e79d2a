// SPDX-License-Identifier: Apache-2.0
//
// A server on loopback for tests: plain sockets, a thread per connection, and for each request
// whatever bytes the test says, also what no server should send.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace msb::sdk::testing {

struct ScriptedRequest {
  std::string start_line;                      // "POST /api/v1/rpc HTTP/1.1"
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct ScriptedReply {
  enum class Then { kKeep, kClose, kReset, kWaitForClient };
  std::string bytes;
  Then then = Then::kKeep;
};

// A whole HTTP answer.
ScriptedReply http_reply(int status, std::string_view body,
                         std::string_view content_type = "application/json");
// 200 with {"jsonrpc":"2.0","result":<result>}.
ScriptedReply result_reply(std::string_view result);

class ScriptedServer {
 public:
  using Handler = std::function<ScriptedReply(const ScriptedRequest&)>;
  explicit ScriptedServer(Handler handler);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  std::string url() const { return url_; }
  std::vector<ScriptedRequest> requests() const;
  int connections() const { return connections_; }
  int most_at_once() const { return most_at_once_; }
  // Until `count` clients have gone away from a kWaitForClient; false: not within ten seconds.
  bool wait_for_gone_clients(int count);
  // Until `count` requests have arrived; false: not within ten seconds.
  bool wait_for_requests(std::size_t count);

 private:
  void accept_all();
  void serve(int socket);

  const Handler handler_;
  base::UniqueFd listener_;
  std::string url_;
  std::atomic<int> connections_ = 0;
  std::atomic<int> at_once_ = 0;
  std::atomic<int> most_at_once_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<ScriptedRequest> requests_;
  std::vector<base::UniqueFd> sockets_;
  std::vector<std::thread> threads_;
  int gone_clients_ = 0;
  std::thread acceptor_;
};

}  // namespace msb::sdk::testing
