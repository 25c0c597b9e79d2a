// SPDX-License-Identifier: Apache-2.0
//
// One blob into one file, taken up where it broke:
//
//   what the file has ──► Range: bytes=N- ──► 206 from N: appended
//                                             200: the file starts anew
//                                             416: the file starts anew, without a range
//   broken or 5xx ──► pause, again; too often ──► the last error
//   complete ──► digest right: done; wrong: the file is emptied, kCorrupt
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>

#include "base/try.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/registry/session.h"

namespace msb::image {

class Download {
 public:
  Download(Session& session, const Descriptor& descriptor, int file,
           std::function<void(std::uint64_t)> on_bytes, std::stop_token stop)
      : session_(session),
        descriptor_(descriptor),
        file_(file),
        on_bytes_(std::move(on_bytes)),
        stop_(std::move(stop)) {}

  Result<> run(int max_attempts, std::chrono::milliseconds first_pause);

 private:
  Result<> take_up();
  Result<> start_anew();
  Result<> request_rest();
  Result<> on_head(const HttpHead& head);
  Result<> on_body(std::span<const std::byte> bytes);
  Result<> verify();
  Result<> pause(std::chrono::milliseconds duration);

  Session& session_;
  const Descriptor& descriptor_;
  int file_;
  std::function<void(std::uint64_t)> on_bytes_;
  std::stop_token stop_;
  Hasher hasher_;
  std::uint64_t done_bytes_ = 0;  // in the file, and hashed
  bool ignore_body_ = false;      // it explains a refusal
};

}  // namespace msb::image
