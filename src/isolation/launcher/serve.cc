// SPDX-License-Identifier: Apache-2.0
//
// Holds for a server the right to start what needs the rights that the server has given up. It is
// started before they are given up, reads nothing but its arguments and the server's requests, and
// does one thing.
#include "isolation/launcher/serve.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "base/sys.h"
#include "isolation/warden/authority.h"
#include "isolation/warden/restraint.h"

namespace msb::isolation::launcher {
namespace {

namespace sys = base::sys;

// A server needs one warden, and two unpackers for each layer that it pulls at once.
constexpr std::size_t kMaxLiving = 256;

class Launcher {
 public:
  explicit Launcher(const Settings& settings) : settings_(settings) {}

  Result<base::SiblingProcess> start(const StartRequest& request,
                                     const std::vector<base::UniqueFd>& descriptors) {
    base::ChildSpec spec = TRY(judge(request, settings_));
    if (descriptors.size() != request.targets.size()) {
      return fail(ErrorCode::kInvalidArgument, "a number for each descriptor, and one of each");
    }
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      spec.fds.emplace_back(descriptors[i].get(), static_cast<int>(request.targets[i]));
    }
    forget_the_dead();
    if (living_.size() >= kMaxLiving) {
      return fail(ErrorCode::kResourceExhausted,
                  std::to_string(kMaxLiving) + " programs of this server run at once");
    }
    base::SiblingProcess started = TRY(base::spawn_sibling(spec));
    // It runs, so it is the server's whether it can be counted or not.
    if (auto process = sys::dup(started.pidfd.get())) {
      living_.push_back(*std::move(process));
    }
    return started;
  }

 private:
  void forget_the_dead() {
    std::erase_if(living_, [](const base::UniqueFd& process) {
      pollfd state{process.get(), POLLIN, 0};
      return ::poll(&state, 1, 0) != 0;
    });
  }

  const Settings& settings_;
  std::vector<base::UniqueFd> living_;
};

}  // namespace

int serve(const Settings& settings) {
  const base::UniqueFd socket(kServerSocket);
  ::signal(SIGPIPE, SIG_IGN);
  // Somebody else's launcher has no rights to hold but the way to set-uid programs: newuidmap.
  if (warden::is_host_root()) {
    if (const auto restrained = warden::restrain_warden({.is_root = true}); !restrained) {
      [[maybe_unused]] const auto told =
          sys::send_message(socket.get(), encode(Reply(FailedReply{restrained.error()})), {});
      return 1;
    }
  }
  Launcher launcher(settings);
  for (;;) {
    auto message = sys::receive_message(socket.get(), kMaxMessageBytes);
    if (!message || message->bytes.empty()) {
      return 0;
    }
    const auto request = decode_request(message->bytes);
    if (!request) {
      return 1;
    }
    const auto started = launcher.start(*request, message->fds);
    const Reply reply =
        started ? Reply(StartedReply{.pid = started->pid, .exec_errno = started->exec_errno})
                : Reply(FailedReply{started.error()});
    const int pidfd = started ? started->pidfd.get() : -1;
    if (!sys::send_message(socket.get(), encode(reply),
                           started ? std::span(&pidfd, 1) : std::span<const int>())) {
      return 0;
    }
  }
}

}  // namespace msb::isolation::launcher
