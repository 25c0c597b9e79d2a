// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupts.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/sys.h"
#include "base/try.h"
#include "cli/terminal.h"

namespace msb::cli {
namespace {

constexpr std::array kWatched = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};

// A sandbox is gone in milliseconds; what takes this long waits for somebody who does not read.
constexpr std::chrono::seconds kStopGrace{5};

void ignore(int /*signal_number*/) {}

[[noreturn]] void end_now(int signal_number) {
  restore_terminal();
  ::_exit(128 + signal_number);
}

}  // namespace

Result<std::unique_ptr<Interrupts>> Interrupts::watch() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int number : kWatched) {
    ::sigaddset(&watched, number);
  }
  base::UniqueFd signals(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) {
    return std::unexpected(base::sys::error("signalfd"));
  }
  base::UniqueFd wake = TRY(base::sys::eventfd(0, EFD_NONBLOCK));
  ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  struct sigaction action{};
  action.sa_handler = ignore;  // not SIG_IGN, which programs we start would inherit
  ::sigaction(SIGPIPE, &action, nullptr);
  return std::unique_ptr<Interrupts>(new Interrupts(std::move(signals), std::move(wake)));
}

Interrupts::Interrupts(base::UniqueFd signals, base::UniqueFd wake)
    : signals_(std::move(signals)),
      wake_(std::move(wake)),
      thread_([this](const std::stop_token& ending) { run(ending); }) {}

Interrupts::~Interrupts() {
  thread_.request_stop();
  ::eventfd_write(wake_.get(), 1);
}

void Interrupts::set_handler(Handler handler) {
  const std::scoped_lock lock(mutex_);
  handler_ = std::move(handler);
}

void Interrupts::request_stop(int signal_number) {
  int none = 0;
  requested_.compare_exchange_strong(none, signal_number);
  ::eventfd_write(wake_.get(), 1);
}

void Interrupts::run(const std::stop_token& ending) {
  std::array<pollfd, 2> fds = {pollfd{signals_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  const auto clock = [] { return std::chrono::steady_clock::now(); };
  std::chrono::steady_clock::time_point deadline{};
  while (!ending.stop_requested()) {
    int timeout_ms = -1;
    if (signal_ != 0) {
      if (deadline == decltype(deadline){}) {
        deadline = clock() + kStopGrace;
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock());
      if (left.count() <= 0) {
        end_now(signal_);
      }
      timeout_ms = static_cast<int>(left.count());
    }
    ::poll(fds.data(), fds.size(), timeout_ms);
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    if (const int requested = requested_.exchange(0); requested != 0 && signal_ == 0) {
      stop(requested);
    }
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      on_signal(static_cast<int>(info.ssi_signo));
    }
  }
}

void Interrupts::on_signal(int signal_number) {
  const bool ends = signal_number == SIGTERM || signal_number == SIGHUP;
  if (!ends) {
    const std::scoped_lock lock(mutex_);
    if ((handler_ && handler_(signal_number)) || signal_number == SIGWINCH ||
        signal_number == SIGCONT) {
      return;
    }
  }
  stop(signal_number);
}

void Interrupts::stop(int signal_number) {
  if (signal_ != 0) {
    end_now(signal_number);
  }
  signal_ = signal_number;
  stop_.request_stop();
}

}  // namespace msb::cli
