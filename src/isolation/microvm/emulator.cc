// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/emulator.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sparse_file.h"
#include "base/sys.h"
#include "isolation/last_line.h"
#include "isolation/microvm/guest_memory.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;
using nlohmann::json;

constexpr std::size_t kMaxLastWordsBytes = 400;
// An emulated QEMU on a busy host takes its time to start.
constexpr std::chrono::seconds kMonitorPatience{30};
constexpr std::chrono::milliseconds kMigrationPause{1};

// Of several arenas all but the first grow page by page, each with a system call: 530 of them while
// the first code is translated. A single processor's thread has nobody to share the first with.
constexpr const char* kOneArena = "GLIBC_TUNABLES=glibc.malloc.arena_max=1";

json capability(const char* name) {
  return json{{"capabilities", json::array({json{{"capability", name}, {"state", true}}})}};
}

std::vector<std::string> environment(const Machine& machine) {
  if (machine.memory == Memory::kClone) {
    std::vector<std::string> variables = {std::string("LD_PRELOAD=") + kPreloadFile};
    if (machine.processors == 1) {
      variables.emplace_back(kOneArena);
    }
    return variables;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Emulator>> Emulator::start(const Machine& machine) {
  std::unique_ptr<Emulator> emulator(new Emulator);
  auto [monitor, qemu_monitor] = TRY(sys::socketpair(AF_UNIX, SOCK_STREAM));
  auto [control, qemu_control] = TRY(sys::socketpair(AF_UNIX, SOCK_STREAM));
  sys::Pipe console = TRY(sys::pipe());
  TRY(sys::set_nonblocking(console.read_end.get(), true));
  std::vector<std::pair<int, int>> fds = {{console.write_end.get(), 1},
                                          {console.write_end.get(), 2},
                                          {kStreamFd, kStreamFd},
                                          {qemu_control.get(), kControlFd},
                                          {qemu_monitor.get(), kMonitorFd},
                                          {kImageFd, kImageFd},
                                          {kDiskFd, kDiskFd}};
  if (machine.memory == Memory::kClone) {
    fds.emplace_back(kStateFd, kStateFd);
  } else {
    emulator->memory_ = TRY(make_own_memory(std::uint64_t{machine.memory_mib} << 20));
    fds.emplace_back(emulator->memory_.get(), kMemoryFd);
  }
  emulator->process_ = TRY(base::ChildProcess::spawn({.path = kQemuPath,
                                                      .argv = qemu_arguments(machine),
                                                      .env = environment(machine),
                                                      .fds = std::move(fds)}));
  qemu_monitor.reset();
  console.write_end.reset();
  emulator->console_ = std::move(console.read_end);
  emulator->control_ = std::move(control);
  auto client = QmpClient::create(std::move(monitor), Clock::now() + kMonitorPatience);
  if (!client) {
    return std::unexpected(client.error().is(ErrorCode::kUnavailable) ? emulator->death()
                                                                      : client.error());
  }
  emulator->monitor_ = std::make_unique<QmpClient>(*std::move(client));
  return emulator;
}

Result<> Emulator::load_state(Clock::time_point deadline) {
  TRY(monitor_->execute("migrate-set-capabilities", capability("x-ignore-shared"), deadline));
  // If that fails QEMU ends, and says why.
  TRY(monitor_->execute("migrate-incoming", json{{"uri", "fd:" + std::to_string(kStateFd)}},
                        deadline));
  return {};
}

Result<> Emulator::save(int state, int memory, Clock::time_point deadline) {
  constexpr const char* kName = "state";
  TRY(monitor_->execute("migrate-set-capabilities", capability("x-ignore-shared"), deadline));
  TRY(monitor_->execute_with_fd("getfd", json{{"fdname", kName}}, state, deadline));
  TRY(monitor_->execute("migrate", json{{"uri", std::string("fd:") + kName}}, deadline));
  TRY(await_migration(deadline));
  return memory_ ? base::copy_sparse_file(memory_.get(), memory)
                 : copy_clone_memory(process_.pid(), kMemoryFile, memory);
}

Result<> Emulator::await_migration(Clock::time_point deadline) {
  for (;;) {
    const json answer = TRY(monitor_->execute("query-migrate", json::object(), deadline));
    const auto status = answer.is_object() ? answer.find("status") : answer.end();
    if (status != answer.end() && *status == "completed") {
      return {};
    }
    if (status != answer.end() && *status == "failed") {
      return fail(ErrorCode::kInternal, "QEMU: the machine's state cannot be moved");
    }
    ::poll(nullptr, 0, static_cast<int>(kMigrationPause.count()));
  }
}

Result<> Emulator::resume(Clock::time_point deadline) {
  TRY(monitor_->execute("cont", json::object(), deadline));
  paused_ = false;
  return {};
}

Result<> Emulator::pause(Clock::time_point deadline) {
  TRY(monitor_->execute("stop", json::object(), deadline));
  paused_ = true;
  return {};
}

Result<> Emulator::tell(const ToGuest& message) {
  return base::write_all(control_.get(), encode(message));
}

Result<std::optional<FromGuest>> Emulator::await_guest(std::optional<Clock::time_point> deadline,
                                                       std::span<const int> others) {
  for (;;) {
    if (const auto frame = TRY(reader_.next())) {
      return TRY(decode_from_guest(*frame));
    }
    constexpr std::ptrdiff_t kOwn = 4;
    std::vector<pollfd> watched = {
        pollfd{process_.pidfd(), POLLIN, 0}, pollfd{control_.get(), POLLIN, 0},
        pollfd{console_.get(), POLLIN, 0}, pollfd{monitor_->fd(), POLLIN, 0}};
    for (const int other : others) {
      watched.push_back(pollfd{other, POLLIN, 0});
    }
    const int ready = ::poll(watched.data(), watched.size(), sys::milliseconds_until(deadline));
    if (ready == 0) {
      return fail(ErrorCode::kTimeout, "the machine does not answer");
    }
    if (ready < 0) {
      continue;
    }
    if (watched[2].revents != 0) {
      listen_to_console();
    }
    if (watched[1].revents != 0) {
      const auto size = sys::read(control_.get(), reader_.prepare());
      if (!size && size.error().sys_errno() != ECONNRESET) {
        return std::unexpected(size.error());
      }
      reader_.commit(size.value_or(0));
      if (size.value_or(0) > 0) {
        continue;  // before the news of an end
      }
    }
    if (watched[0].revents != 0) {
      return std::unexpected(death());
    }
    if (watched[3].revents != 0) {
      TRY(look_after_monitor());
    }
    if (std::any_of(watched.begin() + kOwn, watched.end(),
                    [](const pollfd& other) { return other.revents != 0; })) {
      return std::nullopt;
    }
  }
}

Result<> Emulator::look_after_monitor() {
  if (!TRY(monitor_->drain())) {
    return std::unexpected(death());
  }
  return {};
}

void Emulator::listen_to_console() {
  std::array<std::byte, 4096> chunk;
  const auto size = sys::read(console_.get(), chunk);
  if (!size || *size == 0) {
    if (size || size.error().sys_errno() != EAGAIN) {
      console_.reset();
    }
    return;
  }
  last_words_ += base::text_of(std::span(chunk).first(*size));
  if (last_words_.size() > kMaxLastWordsBytes) {
    last_words_.erase(0, last_words_.size() - kMaxLastWordsBytes);
  }
}

Error Emulator::death() {
  constexpr std::chrono::seconds kPatience{5};
  const auto status = process_.wait(kPatience).value_or(std::nullopt);
  if (!status) {
    return {ErrorCode::kUnavailable, "QEMU has closed its monitor"};
  }
  ended_ = *status;
  if (console_) {
    listen_to_console();
  }
  // After msb-guest has said why, the kernel still has its word.
  const std::size_t reason = last_words_.rfind(kGuestComplaint);
  const std::string said = last_line(reason == std::string::npos
                                         ? last_words_
                                         : last_words_.substr(0, last_words_.find('\n', reason)));
  return {ErrorCode::kUnavailable,
          "QEMU has ended: " + status->text() + (said.empty() ? "" : " (" + said + ")")};
}

}  // namespace msb::isolation::microvm
