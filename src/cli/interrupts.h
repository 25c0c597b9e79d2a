// SPDX-License-Identifier: Apache-2.0
//
// Signals of a verb that holds a sandbox. They are taken by one thread instead of by handlers:
//
//   SIGINT, SIGQUIT             offered to the handler first (it may pass them to the command),
//                               else as SIGTERM
//   SIGTERM, SIGHUP             ask for the end: stop_token()
//   SIGWINCH, SIGCONT           to the handler
//   the second request, or a stop that is not done in time: the terminal is given back and the
//                               process ends; the kernel and the warden clear up behind it
//   SIGPIPE                     writes fail with EPIPE instead
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/unique_fd.h"
#include "msb/result.h"

namespace msb::cli {

class Interrupts {
 public:
  // Before the first thread of the SDK: threads inherit which signals are blocked.
  static Result<std::unique_ptr<Interrupts>> watch();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // True: the signal has been dealt with. Called from the watching thread.
  using Handler = std::function<bool(int signal_number)>;
  // After it returns, the previous handler is not running any more.
  void set_handler(Handler handler);

  std::stop_token stop_token() const { return stop_.get_token(); }
  // Asks for the end as `signal_number` would. From any thread, also within callbacks of the SDK.
  void request_stop(int signal_number);
  // The signal that asked for the end; 0: none did.
  int signal() const { return signal_; }
  // 128 + that signal, as shells report it.
  int exit_code() const { return 128 + signal_; }

 private:
  Interrupts(base::UniqueFd signals, base::UniqueFd wake);
  void run(const std::stop_token& ending);
  void on_signal(int signal_number);
  void stop(int signal_number);

  base::UniqueFd signals_;
  base::UniqueFd wake_;
  std::mutex mutex_;  // guards handler_
  Handler handler_;
  std::stop_source stop_;
  std::atomic<int> signal_ = 0;
  std::atomic<int> requested_ = 0;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace msb::cli
