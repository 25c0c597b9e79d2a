// SPDX-License-Identifier: Apache-2.0
//
// Lines on their way from the thread that runs a call to the coroutine that sends them. Bounded:
// where the client reads slowly the thread waits, and with it the guest; nothing is lost.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "rpc/json.h"
#include "rpc/output_line.h"

namespace msb::server {

class CallStream {
 public:
  // As much may wait to be sent; a line more is let in, however long.
  static constexpr std::size_t kMaxWaitingBytes = 1024 * 1024;

  // `wake` is called from the thread that adds, when there is something where nothing was.
  explicit CallStream(std::function<void()> wake) : wake_(std::move(wake)) {}

  // These block while there is no room, and do nothing once it is closed.
  void add_output(rpc::Stream stream, std::string_view bytes);
  void add(const rpc::Json& line);

  // Everything that waits.
  std::string take();
  // Nobody reads any more: whoever waits in add() goes on.
  void close();

 private:
  template <typename Append>
  void append(Append append);

  const std::function<void()> wake_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string waiting_;
  bool closed_ = false;
};

}  // namespace msb::server
