// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::server {

// SIGTERM, SIGINT and SIGHUP, read by a thread of its own instead of delivered. The first one asks
// to finish; after the second one the kernel cleans up, as after any sudden death of ours.
class SignalWatch {
 public:
  // Before any other thread exists: threads inherit what is blocked here. A signal that is ignored
  // (nohup) stays so.
  static Result<std::unique_ptr<SignalWatch>> create();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

  // `finish` is called once, at the first signal or, if that has come, now. After this returns, the
  // one before is not called any more.
  void on_request(std::function<void()> finish);

 private:
  SignalWatch(base::UniqueFd signals, base::UniqueFd ended);
  void watch();
  void request();

  const base::UniqueFd signals_;
  const base::UniqueFd ended_;
  std::mutex mutex_;  // guards what follows
  std::function<void()> finish_;
  bool asked_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace msb::server
