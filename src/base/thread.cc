// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"

#include <signal.h>

#include <system_error>
#include <utility>

#include "base/sys.h"

namespace msb::base {

Result<std::thread> start_thread(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<std::thread> thread;
  try {
    thread = std::thread(std::move(body));
  } catch (const std::system_error& error) {
    thread = std::unexpected(sys::no_more_processes(error.code().value(), "start a thread"));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace msb::base
