// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"
#include "engine/io_loop.h"

namespace msb::engine {

// Tells when the index of a home's images has been replaced, by whatever program. Until it is
// destroyed.
class ImageWatch {
 public:
  // `on_change` is called in the loop's thread and must not block.
  static Result<std::unique_ptr<ImageWatch>> start(IoLoop& loop, const std::string& home,
                                                   std::function<void()> on_change);
  ImageWatch(const ImageWatch&) = delete;
  ImageWatch& operator=(const ImageWatch&) = delete;
  ~ImageWatch();

 private:
  class Handler;
  ImageWatch(IoLoop& loop, base::UniqueFd fd) : loop_(loop), fd_(std::move(fd)) {}

  IoLoop& loop_;
  base::UniqueFd fd_;
  IoLoop::Token token_ = 0;
};

}  // namespace msb::engine
