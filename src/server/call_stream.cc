// SPDX-License-Identifier: Apache-2.0
#include "server/call_stream.h"

#include <utility>

namespace msb::server {

template <typename Append>
void CallStream::append(Append append) {
  bool was_empty = false;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || waiting_.size() < kMaxWaitingBytes; });
    if (closed_) {
      return;
    }
    was_empty = waiting_.empty();
    append(waiting_);
  }
  if (was_empty) {
    wake_();
  }
}

void CallStream::add_output(rpc::Stream stream, std::string_view bytes) {
  append([&](std::string& text) { rpc::append_output_line(text, stream, bytes); });
}

void CallStream::add(const rpc::Json& line) {
  append([&](std::string& text) { text += rpc::to_text(line) + "\n"; });
}

std::string CallStream::take() {
  std::string taken;
  {
    const std::lock_guard lock(mutex_);
    taken = std::exchange(waiting_, {});
  }
  changed_.notify_all();
  return taken;
}

void CallStream::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
}

}  // namespace msb::server
