// SPDX-License-Identifier: Apache-2.0
//
// What the host can do to a stream once it is open. A stream is an exec, a REPL run or a relayed
// connection; frames that make no sense for one are ignored, so that a newer host does no harm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/frame.h"

namespace msb::agent {

class Stream {
 public:
  explicit Stream(std::uint32_t id) : id_(id) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  std::uint32_t id() const { return id_; }

  // kData that the host had credit for.
  virtual void on_data(std::span<const std::byte> /*bytes*/) {}
  virtual void on_end() {}
  // kReplCode.
  virtual void on_code(std::span<const std::byte> /*bytes*/) {}
  virtual void on_signal(int /*number*/) {}
  virtual void on_resize(std::uint16_t /*rows*/, std::uint16_t /*columns*/) {}
  virtual void on_cancel() = 0;
  // Another host has taken over, who knows nothing of the stream. Its last call.
  virtual void on_left() {}
  // The host can take more of this stream's data.
  virtual void on_credit() {}

  // Bytes of kStdout, kStderr and kData that the host still takes.
  std::uint64_t credit_to_send = wire::kInitialCreditBytes;
  // Bytes of kData that the host may still send.
  std::uint64_t credit_granted = wire::kInitialCreditBytes;

 private:
  const std::uint32_t id_;
};

}  // namespace msb::agent
