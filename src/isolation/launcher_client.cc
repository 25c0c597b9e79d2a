// SPDX-License-Identifier: Apache-2.0
#include "isolation/launcher_client.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <variant>

#include "base/sys.h"
#include "isolation/launcher/protocol.h"

namespace msb::isolation {

namespace sys = base::sys;

Result<std::shared_ptr<LauncherClient>> LauncherClient::spawn(const LauncherOptions& options) {
  auto [ours, theirs] = TRY(sys::socketpair(AF_UNIX, SOCK_SEQPACKET));
  base::ChildSpec spec{.path = options.launcher_path,
                       .argv = {"msb-launcher", options.home, options.warden_path,
                                options.agent_path, options.unpack_path},
                       .env = std::vector<std::string>{},
                       .fds = {{theirs.get(), 3}},
                       .new_session = true};
  if (!options.tiers.empty()) {
    spec.argv.emplace_back("--isolation");
    spec.argv.insert(spec.argv.end(), options.tiers.begin(), options.tiers.end());
  }
  spec.argv.emplace_back("--volumes-beneath");
  spec.argv.insert(spec.argv.end(), options.volume_roots.begin(), options.volume_roots.end());
  base::ChildProcess process = TRY(base::ChildProcess::spawn(spec));
  return std::shared_ptr<LauncherClient>(new LauncherClient(std::move(ours), std::move(process)));
}

Result<base::ChildProcess> LauncherClient::start(const base::ChildSpec& spec) {
  launcher::StartRequest request;
  request.program = spec.path;
  request.arguments.assign(spec.argv.begin() + 1, spec.argv.end());
  std::vector<int> fds;
  for (const auto& [source, target] : spec.fds) {
    fds.push_back(source);
    request.targets.push_back(static_cast<std::uint32_t>(target));
  }
  const auto ask = [&]() -> Result<sys::Message> {
    const std::lock_guard lock(mutex_);
    std::erase_if(unheld_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
    TRY(sys::send_message(socket_.get(), launcher::encode(request), fds));
    return sys::receive_message(socket_.get(), launcher::kMaxMessageBytes);
  };
  sys::Message message = TRY_WRAP(ask(), "ask the launcher");
  if (message.bytes.empty()) {
    return fail(ErrorCode::kUnavailable,
                "the launcher of this server has ended; start the server again");
  }
  auto reply = TRY(launcher::decode_reply(message.bytes));
  if (auto* failed = std::get_if<launcher::FailedReply>(&reply)) {
    return std::unexpected(std::move(failed->error));
  }
  const auto& started = std::get<launcher::StartedReply>(reply);
  if (message.fds_lost && started.pid > 0) {
    // It ends when the caller closes what it was given, so it cannot be waited for here.
    const std::lock_guard lock(mutex_);
    unheld_.push_back(started.pid);
    return std::unexpected(sys::error_of(EMFILE, "recvmsg"));
  }
  if (message.fds.size() != 1 || started.pid <= 0) {
    return fail(ErrorCode::kCorrupt, "reply of the launcher: no process");
  }
  base::ChildProcess child = base::ChildProcess::adopt(started.pid, std::move(message.fds.front()));
  if (started.exec_errno != 0) {
    return std::unexpected(sys::error_of(started.exec_errno, "execve", spec.path));
  }
  return child;
}

}  // namespace msb::isolation
