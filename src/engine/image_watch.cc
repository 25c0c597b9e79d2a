// SPDX-License-Identifier: Apache-2.0
#include "engine/image_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/sys.h"

namespace msb::engine {
namespace {

constexpr std::string_view kIndex = "index.json";

}  // namespace

class ImageWatch::Handler final : public IoHandler {
 public:
  Handler(int fd, std::function<void()> on_change) : fd_(fd), on_change_(std::move(on_change)) {}

  void on_ready(std::uint32_t /*events*/) override {
    alignas(inotify_event) std::array<std::byte, 4096> buffer;
    bool has_changed = false;
    for (;;) {
      const auto size = base::sys::read(fd_, buffer);
      if (!size || *size == 0) {
        break;
      }
      for (std::size_t at = 0; at + sizeof(inotify_event) <= *size;) {
        inotify_event event{};
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = reinterpret_cast<const char*>(buffer.data() + at + sizeof event);
        // An overflow has no name, and may have been anything.
        has_changed |= event.len == 0 || std::string_view(name) == kIndex;
        at += sizeof event + event.len;
      }
    }
    if (has_changed) {
      on_change_();
    }
  }

 private:
  const int fd_;
  const std::function<void()> on_change_;
};

Result<std::unique_ptr<ImageWatch>> ImageWatch::start(IoLoop& loop, const std::string& home,
                                                      std::function<void()> on_change) {
  base::UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) {
    return std::unexpected(base::sys::error("inotify_init1"));
  }
  if (::inotify_add_watch(fd.get(), home.c_str(), IN_MOVED_TO | IN_ONLYDIR) < 0) {
    return std::unexpected(base::sys::error("inotify_add_watch", home));
  }
  std::unique_ptr<ImageWatch> watch(new ImageWatch(loop, std::move(fd)));
  watch->token_ = TRY(loop.add(watch->fd_.get(), EPOLLIN,
                               std::make_shared<Handler>(watch->fd_.get(), std::move(on_change))));
  return watch;
}

ImageWatch::~ImageWatch() {
  // From within the loop, so that no call of the handler is under way.
  if (token_ != 0) {
    loop_.run_inside([this] { loop_.remove(token_, fd_.get()); });
  }
}

}  // namespace msb::engine
