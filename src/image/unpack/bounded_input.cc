// SPDX-License-Identifier: Apache-2.0
#include "image/unpack/bounded_input.h"

#include <archive.h>

#include <algorithm>
#include <span>

#include "base/sys.h"

namespace msb::image::unpack {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

}  // namespace

BoundedInput::BoundedInput(int fd, std::uint64_t size_bytes)
    : fd_(fd), left_bytes_(size_bytes), buffer_(kBufferBytes) {}

Result<std::size_t> BoundedInput::fill() {
  const std::size_t wanted = std::min<std::uint64_t>(left_bytes_, buffer_.size());
  if (wanted == 0) {
    return 0;
  }
  const std::size_t count = TRY(base::sys::read(fd_, std::span(buffer_).first(wanted)));
  left_bytes_ -= count;
  return count;
}

int BoundedInput::open(archive* handle) {
  const auto read = [](archive* self, void* data, const void** block) -> la_ssize_t {
    auto* input = static_cast<BoundedInput*>(data);
    const auto count = input->fill();
    if (!count) {
      ::archive_set_error(self, count.error().sys_errno(), "read");
      return -1;
    }
    *block = input->buffer_.data();
    return static_cast<la_ssize_t>(*count);
  };
  return ::archive_read_open(handle, this, nullptr, read, nullptr);
}

Result<> BoundedInput::skip_rest() {
  while (TRY(fill()) > 0) {
  }
  return {};
}

}  // namespace msb::image::unpack
