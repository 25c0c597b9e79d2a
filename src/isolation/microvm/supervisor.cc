// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "base/sys.h"
#include "isolation/jail/status_report.h"
#include "isolation/machine_orders.h"
#include "isolation/microvm/emulator.h"
#include "isolation/microvm/settings.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;
using Clock = Emulator::Clock;
using jail::StatusReport;

// Emulated, on a host with ten others that boot: minutes.
constexpr std::chrono::seconds kBootPatience{180};
constexpr std::chrono::seconds kClonePatience{30};
// Shorter than the warden's (see Sandboxes::destroy).
constexpr std::chrono::seconds kHaltPatience{8};
constexpr int kEndedBySignal = 128;

std::int64_t realtime_ns() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<Identity> new_identity(const std::string& hostname) {
  Identity identity;
  TRY(base::fill_random(std::as_writable_bytes(std::span(&identity.nonce, 1))));
  identity.realtime_ns = realtime_ns();
  identity.entropy.resize(kEntropyBytes);
  TRY(base::fill_random(std::as_writable_bytes(std::span(identity.entropy))));
  identity.hostname = hostname;
  identity.boot_id = TRY(base::random_uuid());
  return identity;
}

std::unexpected<Error> unexpected_word() {
  return fail(ErrorCode::kCorrupt, "the machine does not do what it was told");
}

// What the guest is expected to say next.
Result<FromGuest> expect(Emulator& emulator, std::chrono::seconds patience) {
  auto said = TRY(emulator.await_guest(Clock::now() + patience, {}));
  if (!said) {
    return unexpected_word();
  }
  if (const auto* failed = std::get_if<Failed>(&*said)) {
    return fail(ErrorCode::kInternal, "the machine: " + failed->text);
  }
  return *std::move(said);
}

Result<> boot(Emulator& emulator, const Settings& settings) {
  const Identity identity = TRY(new_identity(settings.hostname));
  TRY(emulator.tell(
      SetUp{.identity = identity, .limits = settings.limits, .volumes = settings.volumes}));
  const FromGuest said = TRY(expect(emulator, kBootPatience));
  return std::holds_alternative<Ready>(said) ? Result<>() : unexpected_word();
}

Result<> await_renewed(Emulator& emulator, const Identity& identity) {
  const FromGuest said = TRY(expect(emulator, kClonePatience));
  const auto* renewed = std::get_if<Renewed>(&said);
  return renewed != nullptr && renewed->nonce == identity.nonce ? Result<>() : unexpected_word();
}

// A clone that does not confirm never comes into anybody's hands.
Result<> wake(Emulator& emulator, const Settings& settings) {
  const Identity identity = TRY(new_identity(settings.hostname));
  TRY(emulator.tell(Renew{.identity = identity, .volumes = settings.volumes}));
  TRY(emulator.load_state(Clock::now() + kClonePatience));
  return await_renewed(emulator, identity);
}

Result<> rename(Emulator& emulator, std::string_view hostname) {
  const Identity identity = TRY(new_identity(std::string(hostname)));
  TRY(emulator.tell(Renew{.identity = identity, .volumes = {}}));
  return await_renewed(emulator, identity);
}

Result<std::unique_ptr<Emulator>> bring_up(const Settings& settings) {
  std::unique_ptr<Emulator> emulator = TRY(Emulator::start(settings.machine));
  if (settings.machine.memory == Memory::kClone) {
    TRY_WRAP(wake(*emulator, settings), "wake the clone");
  } else {
    TRY_WRAP(boot(*emulator, settings), "boot the machine");
  }
  return emulator;
}

void report(int socket, const StatusReport& report) {
  // Fails when nobody listens any more; then the end is near.
  [[maybe_unused]] const auto sent = sys::send_message(socket, report.encode(), {});
}

void report_failure(int socket, Error error) {
  StatusReport failed;
  failed.kind = StatusReport::Kind::kFailed;
  failed.error = std::move(error);
  report(socket, failed);
}

Result<> pause(Emulator& emulator) {
  return emulator.is_paused() ? Result<>() : emulator.pause(Clock::now() + kClonePatience);
}

Result<> settle(Emulator& emulator) {
  TRY(emulator.tell(Settle{}));
  const FromGuest said = TRY(expect(emulator, kClonePatience));
  return std::holds_alternative<Settled>(said) ? Result<>() : unexpected_word();
}

Result<> save(Emulator& emulator, int state, int memory) {
  TRY(pause(emulator));
  return emulator.save(state, memory, Clock::now() + kClonePatience);
}

Result<> wake_up(Emulator& emulator) {
  TRY(emulator.resume(Clock::now() + kClonePatience));
  return emulator.tell(Woken{.realtime_ns = realtime_ns()});
}

Result<> stands_still() {
  return fail(ErrorCode::kConflict, "the machine stands still");
}

Result<> carry_out(Emulator& emulator, MachineOrder order, std::string_view text,
                   std::span<const base::UniqueFd> fds) {
  switch (order) {
    case MachineOrder::kSave:
      if (fds.size() != 2) {
        break;
      }
      return save(emulator, fds[0].get(), fds[1].get());
    case MachineOrder::kPause:
      return pause(emulator);
    case MachineOrder::kResume:
      return emulator.is_paused() ? wake_up(emulator) : Result<>();
    case MachineOrder::kRename:
      return emulator.is_paused() ? stands_still() : rename(emulator, text);
    case MachineOrder::kSettle:
      return emulator.is_paused() ? stands_still() : settle(emulator);
  }
  return fail(ErrorCode::kCorrupt, "not an order that a machine takes");
}

// One order. False: nobody gives any more.
bool obey(Emulator& emulator, int orders) {
  constexpr std::size_t kMaxOrderBytes = 256;
  const auto order = sys::receive_message(orders, kMaxOrderBytes);
  if (!order || order->bytes.empty()) {
    return false;
  }
  const std::span<const std::byte> bytes(order->bytes);
  const auto done = carry_out(emulator, static_cast<MachineOrder>(bytes.front()),
                              base::text_of(bytes.subspan(1)), order->fds);
  base::ByteWriter answer;
  answer.u8(done ? 0 : 1);
  if (!done) {
    warden::write_error(answer, done.error());
  }
  return sys::send_message(orders, std::move(answer).take(), {}).has_value();
}

// A request to end, as a descriptor.
Result<base::UniqueFd> watch_for_end() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  base::UniqueFd descriptor(::signalfd(-1, &signals, SFD_CLOEXEC));
  return descriptor ? Result<base::UniqueFd>(std::move(descriptor))
                    : std::unexpected(sys::error("signalfd"));
}

// What the sandbox has written is on its disk then, unless the guest does not see to it.
void halt(Emulator& emulator) {
  const Clock::time_point deadline = Clock::now() + kHaltPatience;
  if (emulator.is_paused() && !emulator.resume(deadline)) {
    return;
  }
  if (emulator.tell(Halt{})) {
    [[maybe_unused]] const auto said = emulator.await_guest(deadline, {});
  }
}

bool is_readable(int fd) {
  return sys::poll_one(fd, POLLIN, std::chrono::milliseconds(0)).value_or(false);
}

int status_of(const Ended& ended) {
  if (ended.out_of_memory) {
    return kOutOfMemoryStatus;
  }
  return ended.killed ? kEndedBySignal + ended.code : ended.code;
}

// The exit status that tells how it ended.
int run_until_end(Emulator& emulator, int end) {
  int orders = kOrdersFd;
  for (;;) {
    const std::array<int, 2> others = {end, orders};
    const auto said = emulator.await_guest(std::nullopt, others);
    if (!said) {
      const auto status = emulator.ended();
      return status && status->signaled ? kEndedBySignal + status->code : 1;
    }
    const std::optional<FromGuest>& message = *said;
    if (!message && is_readable(end)) {
      halt(emulator);
      return 0;
    }
    if (!message) {
      orders = obey(emulator, orders) ? orders : -1;
      continue;
    }
    const auto* ended = std::get_if<Ended>(&*message);
    return ended == nullptr ? 1 : status_of(*ended);
  }
}

}  // namespace

int supervise(const std::vector<std::string_view>& words) {
  ::signal(SIGPIPE, SIG_IGN);
  base::UniqueFd status(kStatusFd);
  for (const int fd : {kStatusFd, kOrdersFd}) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  const auto end = watch_for_end();
  const auto settings = settings_of(words);
  auto emulator = settings ? bring_up(*settings) : std::unexpected(settings.error());
  if (!emulator || !end) {
    report_failure(status.get(), emulator ? end.error() : std::move(emulator).error());
    return 1;
  }
  StatusReport ready;
  ready.weaknesses = settings->weaknesses;
  report(status.get(), ready);
  status.reset();
  return run_until_end(**emulator, end->get());
}

}  // namespace msb::isolation::microvm
