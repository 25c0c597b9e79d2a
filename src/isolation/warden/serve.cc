// SPDX-License-Identifier: Apache-2.0
//
// The warden's main loop. It takes requests from one socket, from one engine. Whatever the engine's
// end is, the warden notices: end of file on the socket, or, when a copy of the socket has escaped
// into a forked process, the death of the engine itself.
#include "isolation/warden/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/warden/agent_image.h"
#include "isolation/warden/authority.h"
#include "isolation/warden/enclosure.h"
#include "isolation/warden/event_loop.h"
#include "isolation/warden/protocol.h"
#include "isolation/warden/restraint.h"
#include "isolation/warden/sandboxes.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

class EngineSocket final : public ReplySink {
 public:
  explicit EngineSocket(base::UniqueFd fd) : fd_(std::move(fd)) {}

  int get() const { return fd_.get(); }

  void send(const Reply& reply, std::span<const int> fds) override {
    // Fails only when the engine is gone, which the loop finds out by itself.
    [[maybe_unused]] const auto sent = sys::send_message(fd_.get(), encode(reply), fds);
  }

 private:
  base::UniqueFd fd_;
};

Result<pid_t> engine_pid(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
    return std::unexpected(sys::error("getsockopt(SO_PEERCRED)"));
  }
  return peer.pid;
}

// Each running sandbox costs a few descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Where msb-warden is, its like are.
Result<std::string> own_folder() {
  const std::string path = TRY(sys::readlink("/proc/self/exe"));
  return path.substr(0, path.rfind('/'));
}

Result<Ground> prepare(const ServeOptions& options, pid_t engine) {
  if (!is_id(options.engine_id)) {
    return fail(ErrorCode::kInvalidArgument,
                "engine id '" + options.engine_id + "': must be 16 hexadecimal digits");
  }
  std::vector<Tier> tiers = TRY(parse_tiers(options.tiers));
  for (const char* folder : {"/run", "/tmp"}) {
    TRY(base::make_folders(options.home + folder, 0700));
  }
  base::UniqueFd agent = TRY_WRAP(load_agent(options.agent_path), "load agent");
  // Before the user namespace that take_authority may enter: cgroups are the host's.
  std::unique_ptr<cgroup::Backend> cgroups = TRY(cgroup::open_backend(options.engine_id, engine));
  Authority authority = TRY(take_authority(options.home));
  base::UniqueFd home = TRY(sys::open(options.home, O_PATH | O_DIRECTORY));
  std::string libexec = TRY(own_folder());
  return Ground{std::move(home),
                std::move(agent),
                options.home + "/run",
                std::move(libexec),
                authority.powers,
                std::move(cgroups),
                std::move(authority.identities),
                std::move(authority.weaknesses),
                VolumeRoots(options.volume_roots),
                std::move(tiers)};
}

// One request. False: the engine is gone, or not to be understood.
bool serve_one(EngineSocket& socket, Sandboxes& sandboxes) {
  auto message = sys::receive_message(socket.get(), kMaxMessageBytes);
  if (!message || message->bytes.empty()) {
    return false;
  }
  auto request = decode_request(message->bytes);
  if (!request) {
    return false;
  }
  if (auto* create = std::get_if<CreateRequest>(&*request)) {
    if (message->fds_lost) {
      socket.send(FailedReply{create->request, sys::error_of(EMFILE, "recvmsg").wrap("volumes")},
                  {});
      return true;
    }
    sandboxes.create(std::move(*create), std::move(message->fds));
  } else if (auto* adjust = std::get_if<AdjustRequest>(&*request)) {
    sandboxes.adjust(*adjust);
  } else if (auto* freeze = std::get_if<FreezeRequest>(&*request)) {
    sandboxes.freeze(*freeze);
  } else if (auto* destroy = std::get_if<DestroyRequest>(&*request)) {
    sandboxes.destroy(*destroy);
  } else if (auto* sweep = std::get_if<SweepRequest>(&*request)) {
    sandboxes.sweep(*sweep);
  }
  return true;
}

Result<> run_loop(EngineSocket& socket, Ground ground, int engine, int keeper) {
  EventLoop loop = TRY(EventLoop::create());
  Sandboxes sandboxes(std::move(ground), loop, socket);
  const auto stop = [&loop] { loop.stop(); };
  const auto serve_or_stop = [&] {
    if (!serve_one(socket, sandboxes)) {
      loop.stop();
    }
  };
  [[maybe_unused]] EventLoop::Watch watch = TRY(loop.watch(socket.get(), serve_or_stop));
  watch = TRY(loop.watch(engine, stop));
  watch = TRY(loop.watch(keeper, stop));
  // With it the engine can tell when we, and with us all sandboxes, are dead: our end of the socket
  // is closed before the kernel has killed them.
  const base::UniqueFd self = TRY(sys::pidfd_open(::getpid()));
  const int self_fd = self.get();
  socket.send(DoneReply{0}, std::span(&self_fd, 1));
  return loop.run();
}

}  // namespace

int serve(const ServeOptions& options) {
  EngineSocket socket{base::UniqueFd(kEngineSocket)};
  ::signal(SIGPIPE, SIG_IGN);
  ::fcntl(kEngineSocket, F_SETFD, FD_CLOEXEC);
  raise_descriptor_limit();
  const auto start = [&]() -> Result<int> {
    const pid_t pid = TRY(engine_pid(socket.get()));
    const base::UniqueFd engine = TRY_WRAP(sys::pidfd_open(pid), "watch the engine");
    Ground ground = TRY(prepare(options, pid));
    return run_enclosed([&](base::UniqueFd keeper) {
      auto served = restrain_warden(ground.powers);
      if (served) {
        served = run_loop(socket, std::move(ground), engine.get(), keeper.get());
      }
      if (!served) {
        socket.send(FailedReply{0, std::move(served).error()}, {});
        return 1;
      }
      return 0;
    });
  };
  auto ended = start();
  if (!ended) {
    socket.send(FailedReply{0, std::move(ended).error().wrap("start the warden")}, {});
    return 1;
  }
  return *ended;
}

}  // namespace msb::isolation::warden
