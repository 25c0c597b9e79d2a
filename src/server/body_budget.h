// SPDX-License-Identifier: Apache-2.0
//
// How much all request bodies may hold together, from their first byte to their answer: a limit for
// each alone would be multiplied by the connections. What counts is what has come, not what a
// header promises, and the first bytes of each body are free: small calls pass while large ones are
// refused. For one thread.
#pragma once

#include <algorithm>
#include <cstddef>

namespace msb::server {

class BodyBudget {
 public:
  // Of every body, beside the budget.
  static constexpr std::size_t kFreeBytes = 64 * 1024;

  explicit BodyBudget(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  std::size_t held_bytes() const { return held_bytes_; }

  // The share of one body; given back when it ends.
  class Share {
   public:
    explicit Share(BodyBudget& budget) : budget_(budget) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { budget_.held_bytes_ -= bytes_; }

    // For a body that has `body_bytes` by now. False: there is no room, and the share stays as it
    // was.
    [[nodiscard]] bool grow_to(std::size_t body_bytes) {
      const std::size_t wanted = std::max(body_bytes, kFreeBytes) - kFreeBytes;
      if (wanted > bytes_ && wanted - bytes_ > budget_.max_bytes_ - budget_.held_bytes_) {
        return false;
      }
      const std::size_t grown = std::max(wanted, bytes_);
      budget_.held_bytes_ += grown - bytes_;
      bytes_ = grown;
      return true;
    }

   private:
    BodyBudget& budget_;
    std::size_t bytes_ = 0;
  };

 private:
  const std::size_t max_bytes_;
  std::size_t held_bytes_ = 0;
};

}  // namespace msb::server
