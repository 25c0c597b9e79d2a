// SPDX-License-Identifier: Apache-2.0
#include "isolation/machine_orders.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/sys.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation {
namespace {

// The answer is an Error, or one without a word. Its sender shares a jail with QEMU, and may be
// anybody: it is read as what a stranger says.
Result<> give(int orders, MachineOrder order, std::span<const int> fds,
              const std::string& text = {}) {
  constexpr std::chrono::seconds kPatience{60};
  constexpr std::size_t kMaxAnswerBytes = 64 * 1024;
  std::vector<std::byte> message = {static_cast<std::byte>(order)};
  std::ranges::copy(base::bytes_of(text), std::back_inserter(message));
  TRY(base::sys::send_message(orders, message, fds));
  if (!TRY(base::sys::poll_one(orders, POLLIN, kPatience))) {
    return fail(ErrorCode::kTimeout, "the machine's supervisor does not answer");
  }
  const auto answer = TRY(base::sys::receive_message(orders, kMaxAnswerBytes));
  if (answer.bytes.empty()) {
    return fail(ErrorCode::kUnavailable, "the machine has ended");
  }
  base::ByteReader reader(answer.bytes);
  if (reader.u8() == 0) {
    return reader.finish("answer of a machine's supervisor");
  }
  return std::unexpected(warden::read_error(reader));
}

}  // namespace

Result<> settle_machine(int orders) {
  return give(orders, MachineOrder::kSettle, {});
}

Result<> save_machine(int orders, int state, int memory) {
  const std::array<int, 2> files = {state, memory};
  return give(orders, MachineOrder::kSave, files);
}

Result<> move_machine(int orders, Motion motion) {
  return give(orders, motion == Motion::kFrozen ? MachineOrder::kPause : MachineOrder::kResume, {});
}

Result<> rename_machine(int orders, const std::string& hostname) {
  return give(orders, MachineOrder::kRename, {}, hostname);
}

}  // namespace msb::isolation
