// SPDX-License-Identifier: Apache-2.0
//
// GET and POST over a bounded pool of connections, and nothing of JSON. Thread-safe: each call
// takes a connection of its own, the idle one that was used last if there is any, and waits while
// all are taken. A request whose body may have reached the server is never sent twice: what it asks
// for may have happened.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "msb/options.h"
#include "sdk/remote/line_reader.h"

namespace msb::sdk {

struct HttpReply {
  int status = 0;
  std::string body;
};

struct HttpRequest {
  std::string path;
  std::string_view body;  // null: GET
  std::string accept = "application/json";
  // Called in the calling thread with each line of an answer in application/x-ndjson, as it comes;
  // the answer among them becomes the reply's body. Null: no such answer is asked for.
  OnLine on_line;
};

class HttpClient {
 public:
  // `url`: what all paths begin with. `authorization`: value of the header; empty: none.
  HttpClient(std::string url, std::string authorization, HttpOptions options);
  ~HttpClient();

  // Any status is a reply. kCreateRequestFailed (kInvalidArgument: an option is wrong),
  // kSendRequestFailed (no head of an answer came), kReadResponseFailed (its body did not come, or
  // is too long), with the reason below: kUnavailable, kTimeout, kCancelled, kPermissionDenied
  // (certificate), kCorrupt.
  Result<HttpReply> send(const HttpRequest& request, const std::stop_token& stop);

 private:
  class Connection;
  class Lease;
  using Deadline = std::chrono::steady_clock::time_point;

  Result<std::unique_ptr<Connection>> acquire(const std::stop_token& stop, Deadline deadline);
  void release(std::unique_ptr<Connection> connection);

  const std::string url_;
  const std::string authorization_;
  const HttpOptions options_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t taken_ = 0;
};

}  // namespace msb::sdk
