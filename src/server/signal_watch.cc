// SPDX-License-Identifier: Apache-2.0
#include "server/signal_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "base/file.h"
#include "base/sys.h"

namespace msb::server {
namespace {

constexpr int kSignalled = 128;

bool is_ignored(int signal_number) {
  struct sigaction now{};
  return ::sigaction(signal_number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

// Blocked signals are queued although they are ignored, so those are left out.
sigset_t watched() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    if (!is_ignored(number)) {
      ::sigaddset(&signals, number);
    }
  }
  return signals;
}

}  // namespace

Result<std::unique_ptr<SignalWatch>> SignalWatch::create() {
  const sigset_t signals = watched();
  base::UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) {
    return std::unexpected(base::sys::error("signalfd"));
  }
  base::UniqueFd ended = TRY(base::sys::eventfd(0, 0));
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return std::unique_ptr<SignalWatch>(new SignalWatch(std::move(fd), std::move(ended)));
}

SignalWatch::SignalWatch(base::UniqueFd signals, base::UniqueFd ended)
    : signals_(std::move(signals)), ended_(std::move(ended)), thread_([this] { watch(); }) {}

SignalWatch::~SignalWatch() {
  constexpr std::uint64_t kOne = 1;
  [[maybe_unused]] const auto told =
      base::write_all(ended_.get(), std::as_bytes(std::span(&kOne, 1)));
  thread_.join();
}

void SignalWatch::on_request(std::function<void()> finish) {
  const std::lock_guard lock(mutex_);
  finish_ = std::move(finish);
  if (asked_ && finish_) {
    finish_();
  }
}

void SignalWatch::request() {
  const std::lock_guard lock(mutex_);
  asked_ = true;
  if (finish_) {
    finish_();
  }
}

void SignalWatch::watch() {
  bool asked = false;
  while (true) {
    std::array<pollfd, 2> waits = {{{signals_.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      continue;
    }
    if (waits[1].revents != 0) {
      return;
    }
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) {
      continue;
    }
    if (asked) {
      ::_exit(kSignalled + static_cast<int>(info.ssi_signo));
    }
    asked = true;
    request();
  }
}

}  // namespace msb::server
