// SPDX-License-Identifier: Apache-2.0
#include "server/program.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/locations.h"
#include "base/server_record.h"
#include "base/sys.h"
#include "engine/engine.h"
#include "rpc/token.h"
#include "server/confinement.h"
#include "server/engine_backend.h"
#include "server/flags.h"
#include "server/log_file.h"
#include "server/mcp_stdio.h"
#include "server/server.h"
#include "server/signal_watch.h"
#include "server/starter.h"

namespace msb::server {
namespace {

constexpr int kFailed = 125;  // as msb: these are its words

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

std::string namespaces_folder(const Flags& flags, const std::string& home) {
  return flags.namespaces_folder.empty() ? home + "/namespaces" : flags.namespaces_folder;
}

// The last that is done with all of this process's rights, and before its first thread.
Result<std::shared_ptr<const VolumePolicy>> give_up_rights(const Flags& flags,
                                                           const std::string& home) {
  auto volumes = TRY(VolumePolicy::create(flags.volume_roots, namespaces_folder(flags, home)));
  TRY_WRAP(confine_server({.home = home,
                           .tiers = flags.isolation,
                           .volume_roots = volumes->roots(),
                           .readable_files = {flags.tls_certificate_file, flags.tls_key_file}}),
           "give up the rights that a server does not need");
  return volumes;
}

Result<Host> open_host(const Flags& flags, const std::string& home,
                       std::shared_ptr<const VolumePolicy> volumes) {
  Host host;
  host.home = home;
  host.engine = TRY(
      engine::Engine::open({.home = host.home,
                            .libexec_dir = {},
                            .open_volume =
                                [volumes](const engine::Name& name, const std::string& host_path) {
                                  return volumes->open(name.namespace_name, host_path);
                                },
                            .pool = flags.pool,
                            .isolation = flags.isolation}));
  host.backend = std::make_unique<EngineBackend>(host.engine, std::move(volumes));
  host.prefixes = {home, namespaces_folder(flags, home), "/run/msb", "/sys/fs/cgroup"};
  return host;
}

// Where the lines go: stderr, or the log of a server without a terminal.
struct Outlet {
  std::optional<Starter> starter;
  std::optional<LogFile> log;

  LogSink sink() {
    return
        [this](std::string_view line) { log ? log->write(line) : write_line(STDERR_FILENO, line); };
  }
};

Result<Outlet> make_outlet(const Flags& flags) {
  Outlet outlet;
  if (flags.is_detached) {
    outlet.starter = TRY(Starter::leave());
  }
  return outlet;
}

// Whoever listens everywhere is found here.
std::string local_url(std::string url) {
  for (const auto& [everywhere, here] :
       {std::pair<std::string_view, std::string_view>{"//0.0.0.0:", "//127.0.0.1:"},
        {"//[::]:", "//[::1]:"}}) {
    if (const auto at = url.find(everywhere); at != std::string::npos) {
      url.replace(at, everywhere.size(), here);
    }
  }
  return url;
}

// The server can be reached: tells the terminal, then leaves it if that was asked for.
Result<> announce(const std::string& url, const Flags& flags, Outlet& outlet) {
  write_line(STDOUT_FILENO, "Server listening on " + url);
  if (flags.is_dev_mode) {
    write_line(STDOUT_FILENO, "Running in development mode");
  }
  if (outlet.starter && outlet.log) {
    TRY(outlet.log->take_standard_streams());
    if (::chdir("/") != 0) {  // a working folder cannot be unmounted
      return std::unexpected(base::sys::error("chdir", "/"));
    }
    outlet.starter->tell_ready();
  }
  return {};
}

Result<> say_who_runs(const std::string& home) {
  const auto found = TRY(base::find_server(home, base::Starting::kShow));
  if (!found || found->pid == 0) {
    return fail(ErrorCode::kConflict, "the server of this home has just ended; start it again");
  }
  write_line(STDOUT_FILENO, "Server is already running on " + found->record.url + " (pid " +
                                std::to_string(found->pid) + ")");
  return {};
}

Result<> start(const Flags& flags) {
  Outlet outlet = TRY(make_outlet(flags));
  const std::string home = TRY(base::home_folder(flags.home));
  TRY(base::make_folders(home, 0700));
  auto claim = TRY(base::ServerClaim::take(home));
  if (!claim) {
    return say_who_runs(home);
  }
  raise_descriptor_limit();
  base::ServerRecord record{.url = {},
                            .version = MSB_VERSION,
                            .started_at = ::time(nullptr),
                            .needs_key = !flags.is_dev_mode,
                            .certificate = flags.tls_certificate_file,
                            .log_file = {}};
  if (flags.is_detached) {
    record.log_file = home + "/server.log";
    outlet.log = TRY(LogFile::open(record.log_file));
  }
  auto volumes = TRY(give_up_rights(flags, home));
  const auto signals = TRY(SignalWatch::create());
  const Host host = TRY(open_host(flags, home, std::move(volumes)));
  ServerOptions options;
  options.host = flags.host;
  options.port = flags.port;
  options.tls_certificate_file = flags.tls_certificate_file;
  options.tls_key_file = flags.tls_key_file;
  options.version = MSB_VERSION;
  options.log = outlet.sink();
  if (!flags.is_dev_mode) {
    options.server_key = TRY(obtain_server_key(home, flags.key));
  }
  options.host_prefixes = host.prefixes;
  const auto server = TRY(Server::create(std::move(options), *host.backend));

  record.url = local_url(server->url());
  TRY(claim->publish(record));
  TRY(announce(server->url(), flags, outlet));
  signals->on_request([&server, &claim] {
    [[maybe_unused]] const auto told = claim->withdraw();  // it is for others to know
    server->stop();
  });
  server->run();
  signals->on_request({});
  return {};
}

Result<> keygen(const Flags& flags) {
  const std::string home = TRY(base::home_folder(flags.home));
  const std::string server_key = TRY(read_server_key(home));
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto expires = now + flags.lifetime;
  const rpc::Claims claims{.expires_at = expires.time_since_epoch().count(),
                           .issued_at = now.time_since_epoch().count(),
                           .namespace_name = flags.namespace_name};
  const std::string token = rpc::issue_token(claims, server_key);
  if (flags.is_quiet) {
    write_line(STDOUT_FILENO, token);
    return {};
  }
  write_line(STDOUT_FILENO, "Token: " + token);
  write_line(STDOUT_FILENO, "Token expires: " + timestamp(expires));
  write_line(STDOUT_FILENO, "Namespace: " + flags.namespace_name);
  return {};
}

Result<> mcp(const Flags& flags) {
  const std::string home = TRY(base::home_folder(flags.home));
  TRY(base::make_folders(home, 0700));
  auto volumes = TRY(give_up_rights(flags, home));
  const Host host = TRY(open_host(flags, home, std::move(volumes)));
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
      return base::write_all(STDOUT_FILENO, flags.help_text);
    case Flags::Verb::kVersion:
      write_line(STDOUT_FILENO, MSB_VERSION);
      return {};
  }
  return {};
}

}  // namespace

int run_program(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto flags = parse_flags(arguments);
  const Result<> done = flags ? run(*flags) : std::unexpected(flags.error());
  if (!done) {
    const std::string verb = verb_called(arguments);
    write_line(STDERR_FILENO,
               "msb: " + (verb.empty() ? verb : verb + ": ") + done.error().message());
    return kFailed;
  }
  return EXIT_SUCCESS;
}

}  // namespace msb::server
