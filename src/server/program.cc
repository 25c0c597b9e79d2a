// SPDX-License-Identifier: Apache-2.0
#include "server/program.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "rpc/token.h"
#include "server/engine_backend.h"
#include "server/flags.h"
#include "server/mcp_stdio.h"
#include "server/server.h"

namespace msb::server {
namespace {

constexpr int kUsageError = 2;

// One write a line: lines of several threads never mix. A log that nobody reads is no reason to
// fail.
void write_line(int fd, std::string_view text) {
  [[maybe_unused]] const auto written = base::write_all(fd, std::string(text) + "\n");
}

// Thousands of connections need as many descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

struct Host {
  std::string home;
  std::shared_ptr<engine::Engine> engine;
  std::unique_ptr<EngineBackend> backend;
  std::vector<std::string> prefixes;
};

Result<Host> open_host(const Flags& flags) {
  Host host;
  host.engine = TRY(engine::Engine::open({}));
  host.home = host.engine->home();
  const std::string namespaces =
      flags.namespaces_folder.empty() ? host.home + "/namespaces" : flags.namespaces_folder;
  host.backend = std::make_unique<EngineBackend>(
      host.engine, TRY(VolumePolicy::create(flags.volume_roots, namespaces)));
  host.prefixes = {host.home, namespaces, "/run/msb", "/sys/fs/cgroup"};
  return host;
}

// The first signal asks the server to finish; after the second one the kernel cleans up, as after
// any sudden death of ours.
class SignalWatch {
 public:
  static Result<std::unique_ptr<SignalWatch>> create(Server& server) {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    base::UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC));
    if (!fd) {
      return std::unexpected(base::sys::error("signalfd"));
    }
    base::UniqueFd ended = TRY(base::sys::eventfd(0, 0));
    return std::unique_ptr<SignalWatch>(new SignalWatch(std::move(fd), std::move(ended), server));
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch() {
    constexpr std::uint64_t kOne = 1;
    [[maybe_unused]] const auto told =
        base::write_all(ended_.get(), std::as_bytes(std::span(&kOne, 1)));
    thread_.join();
  }

 private:
  SignalWatch(base::UniqueFd fd, base::UniqueFd ended, Server& server)
      : fd_(std::move(fd)), ended_(std::move(ended)), thread_([this, &server] { watch(server); }) {}

  void watch(Server& server) {
    bool asked = false;
    while (true) {
      std::array<pollfd, 2> waits = {{{fd_.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}}};
      if (::poll(waits.data(), waits.size(), -1) < 0) {
        continue;
      }
      if (waits[1].revents != 0) {
        return;
      }
      signalfd_siginfo info{};
      if (::read(fd_.get(), &info, sizeof info) != sizeof info) {
        continue;
      }
      if (asked) {
        constexpr int kSignalled = 128;
        ::_exit(kSignalled + static_cast<int>(info.ssi_signo));
      }
      asked = true;
      server.stop();
    }
  }

  const base::UniqueFd fd_;
  const base::UniqueFd ended_;
  std::thread thread_;
};

Result<> start(const Flags& flags) {
  raise_descriptor_limit();
  const std::string home = TRY(base::home_folder());
  ServerOptions options;
  options.host = flags.host;
  options.port = flags.port;
  options.tls_certificate_file = flags.tls_certificate_file;
  options.tls_key_file = flags.tls_key_file;
  options.version = MSB_VERSION;
  options.log = [](std::string_view line) { write_line(STDERR_FILENO, line); };
  if (!flags.is_dev_mode) {
    TRY(base::make_folders(home, 0700));
    options.server_key = TRY(obtain_server_key(home, flags.key));
  }
  Host host = TRY(open_host(flags));
  options.host_prefixes = host.prefixes;
  const auto server = TRY(Server::create(std::move(options), *host.backend));
  const auto signals = TRY(SignalWatch::create(*server));
  write_line(STDOUT_FILENO, "Server listening on " + server->url());
  if (flags.is_dev_mode) {
    write_line(STDOUT_FILENO, "Running in development mode");
  }
  server->run();
  return {};
}

Result<> keygen(const Flags& flags) {
  const std::string home = TRY(base::home_folder());
  const std::string server_key = TRY(read_server_key(home));
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto expires = now + flags.lifetime;
  const rpc::Claims claims{.expires_at = expires.time_since_epoch().count(),
                           .issued_at = now.time_since_epoch().count(),
                           .namespace_name = flags.namespace_name};
  write_line(STDOUT_FILENO, "Token: " + rpc::issue_token(claims, server_key));
  write_line(STDOUT_FILENO, "Token expires: " + timestamp(expires));
  write_line(STDOUT_FILENO, "Namespace: " + flags.namespace_name);
  return {};
}

Result<> mcp(const Flags& flags) {
  Host host = TRY(open_host(flags));
  Methods methods(*host.backend, host.prefixes);
  const McpDispatcher dispatcher(methods, MSB_VERSION);
  return serve_mcp(dispatcher, STDIN_FILENO, STDOUT_FILENO);
}

Result<> run(const Flags& flags) {
  switch (flags.verb) {
    case Flags::Verb::kStart:
      return start(flags);
    case Flags::Verb::kKeygen:
      return keygen(flags);
    case Flags::Verb::kMcp:
      return mcp(flags);
    case Flags::Verb::kHelp:
      std::fputs(kUsage, stdout);
      return {};
    case Flags::Verb::kVersion:
      write_line(STDOUT_FILENO, MSB_VERSION);
      return {};
  }
  return {};
}

}  // namespace

int run_program(int argc, char** argv) {
  // Before any thread exists: the signals are read, not delivered.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  const auto flags = parse_flags({argv + 1, argv + argc});
  if (!flags) {
    write_line(STDERR_FILENO, "error: " + flags.error().message() + "\n" + kUsage);
    return kUsageError;
  }
  if (flags->verb == Flags::Verb::kStart) {
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
  if (const auto done = run(*flags); !done) {
    write_line(STDERR_FILENO, "error: " + done.error().message());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace msb::server
