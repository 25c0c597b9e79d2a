// SPDX-License-Identifier: Apache-2.0
#include "engine/turnstile.h"

#include <algorithm>

namespace msb::engine {

std::optional<Turnstile::Turn> Turnstile::enter(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  queue_.push_back(ticket);
  const auto my_turn = [&] { return closed_ || queue_.front() == ticket; };
  const bool arrived = my_turn() || moved_.wait(lock, std::move(stop), my_turn);
  if (arrived && !closed_) {
    return Turn(this);
  }
  queue_.erase(std::ranges::find(queue_, ticket));
  moved_.notify_all();
  return std::nullopt;
}

void Turnstile::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  moved_.notify_all();
}

void Turnstile::leave() {
  const std::lock_guard lock(mutex_);
  queue_.pop_front();
  if (!queue_.empty()) {
    moved_.notify_all();
  }
}

}  // namespace msb::engine
