// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest/serve.h"

#include <poll.h>
#include <signal.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/microvm/guest/boot.h"
#include "isolation/microvm/guest/identity.h"
#include "isolation/microvm/guest/sandbox.h"
#include "isolation/microvm/guest/volumes.h"
#include "isolation/microvm/guest_messages.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;

// Where nobody is at the other end, as in the moment in which a clone wakes up.
constexpr int kPauseMs = 1;

class Host {
 public:
  explicit Host(base::UniqueFd port) : port_(std::move(port)) {}
  int fd() const { return port_.get(); }

  Result<> send(const FromGuest& message) { return base::write_all(port_.get(), encode(message)); }

  // A message that came with an earlier one, of which poll() knows nothing.
  Result<bool> has_message() {
    if (!message_) {
      if (const auto frame = TRY(reader_.next())) {
        message_ = TRY(decode_to_guest(*frame));
      }
    }
    return message_.has_value();
  }

  // Waits for it.
  Result<ToGuest> receive() {
    for (;;) {
      static_cast<void>(TRY(has_message()));
      if (std::optional<ToGuest> message = std::exchange(message_, std::nullopt)) {
        return *std::move(message);
      }
      const std::size_t size = TRY(sys::read(port_.get(), reader_.prepare()));
      if (size == 0) {
        ::poll(nullptr, 0, kPauseMs);
      }
      reader_.commit(size);
    }
  }

 private:
  base::UniqueFd port_;
  wire::FrameReader reader_;
  std::optional<ToGuest> message_;
};

Result<> renew(const IdentityFiles& files, const Identity& identity) {
  TRY(assume(files, identity));
  return rename_host(identity.hostname);
}

Ended wait_for_end(const InnerSandbox& sandbox) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(sandbox.pid), &info, WEXITED) < 0 && errno == EINTR) {
  }
  // Its mounts went with its last process; what they had not written yet goes now.
  ::sync();
  const bool killed = info.si_code != CLD_EXITED;
  return {.killed = killed,
          .code = info.si_status,
          .out_of_memory = killed && sandbox.cgroups->ran_out_of_memory(kSandboxId)};
}

// Until the sandbox has ended, or the host is not to be understood.
Result<> obey(Host& host, const InnerSandbox& sandbox, const IdentityFiles& files) {
  for (;;) {
    std::array<pollfd, 2> watched = {
        pollfd{.fd = host.fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = sandbox.pidfd.get(), .events = POLLIN, .revents = 0}};
    const bool has_message = TRY(host.has_message());
    if (::poll(watched.data(), watched.size(), has_message ? 0 : -1) < 0) {
      continue;
    }
    if (watched[1].revents != 0) {
      return host.send(wait_for_end(sandbox));
    }
    if (!has_message && (watched[0].revents & POLLIN) == 0) {
      ::poll(nullptr, 0, kPauseMs);
      continue;
    }
    const ToGuest message = TRY(host.receive());
    if (std::holds_alternative<Halt>(message)) {
      [[maybe_unused]] const auto killed = sys::pidfd_send_signal(sandbox.pidfd.get(), SIGKILL);
      return host.send(wait_for_end(sandbox));
    }
    if (const auto* woken = std::get_if<Woken>(&message)) {
      TRY(set_clock(woken->realtime_ns));
      continue;
    }
    if (std::holds_alternative<Settle>(message)) {
      ::sync();
      TRY(host.send(Settled{}));
      continue;
    }
    const auto* wanted = std::get_if<Renew>(&message);
    if (wanted == nullptr) {
      return fail(ErrorCode::kCorrupt, "control port: the sandbox is there already");
    }
    TRY(renew(files, wanted->identity));
    TRY(attach_volumes(sandbox.pid, wanted->volumes));
    TRY(host.send(Renewed{.nonce = wanted->identity.nonce}));
  }
}

Result<> live(Host& host, const Booted& booted) {
  const ToGuest message = TRY(host.receive());
  const auto* wanted = std::get_if<SetUp>(&message);
  if (wanted == nullptr) {
    return fail(ErrorCode::kCorrupt, "control port: there is no sandbox yet");
  }
  const IdentityFiles files = TRY(open_identity_files());
  TRY(assume(files, wanted->identity));
  const InnerSandbox sandbox =
      TRY(start_sandbox(booted, wanted->identity.hostname, wanted->limits));
  TRY(attach_volumes(sandbox.pid, wanted->volumes));
  TRY(host.send(Ready{}));
  return obey(host, sandbox, files);
}

}  // namespace

void serve_guest() {
  auto booted = boot();
  if (booted) {
    Host host(std::move(booted->control));
    if (const auto lived = live(host, *booted); !lived) {
      [[maybe_unused]] const auto told = host.send(Failed{lived.error().message()});
      // The port's buffer is the host's to empty; a machine that is off has none.
      constexpr int kPatienceMs = 500;
      ::poll(nullptr, 0, kPatienceMs);
    }
  } else {
    std::fprintf(stderr, "%s%s\n", kGuestComplaint, booted.error().message().c_str());
  }
  ::reboot(RB_AUTOBOOT);
  ::_exit(1);
}

}  // namespace msb::isolation::microvm
