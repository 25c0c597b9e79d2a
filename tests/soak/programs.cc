// SPDX-License-Identifier: Apache-2.0
//
// Programs that are killed whole: those that run an engine, and servers.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <random>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/child_process.h"
#include "base/sys.h"
#include "phase.h"

namespace msb::soak {
namespace {

constexpr int kVictimThreads = 3;

struct Program {
  base::ChildProcess process;
  base::UniqueFd output;
};

Result<Program> start_program(const std::string& path, std::vector<std::string> argv,
                              std::vector<std::string> env = {}) {
  auto pipe = TRY(base::sys::pipe());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    env.emplace_back(*entry);
  }
  auto process = TRY(base::ChildProcess::spawn({.path = path,
                                                .argv = std::move(argv),
                                                .env = std::move(env),
                                                .fds = {{pipe.write_end.get(), 1}}}));
  return Program{std::move(process), std::move(pipe.read_end)};
}

// What the program has written next; empty: it has ended.
std::string read_some(const Program& program) {
  std::array<std::byte, 4096> bytes;
  const auto size = base::sys::read(program.output.get(), bytes);
  return size ? std::string(base::text_of(std::span(bytes).first(*size))) : std::string();
}

class Server {
 public:
  static Result<Server> start(const std::string& path, const std::string& home, int port) {
    Program program =
        TRY(start_program(path, {"msb-server", "start", "--dev", "--port", std::to_string(port)},
                          {"MSB_HOME=" + home}));
    std::string line;
    while (line.find('\n') == std::string::npos) {
      const std::string more = read_some(program);
      if (more.empty()) {
        return fail(ErrorCode::kUnavailable, "the server does not start: " + line);
      }
      line += more;
    }
    const std::size_t at = line.find("http://");
    std::string url = line.substr(at, line.find_first_of(" \n", at) - at);
    return Server(std::move(program), std::move(url));
  }

  const std::string& url() const { return url_; }
  int port() const { return std::stoi(url_.substr(url_.rfind(':') + 1)); }
  void kill() {
    (void)program_.process.signal(SIGKILL);
    (void)program_.process.wait();
  }

 private:
  Server(Program program, std::string url) : program_(std::move(program)), url_(std::move(url)) {}
  Program program_;
  std::string url_;
};

}  // namespace

int run_victim(const std::string& home, int threads, int count) {
  EngineOptions engine_options;
  engine_options.home = home;
  const auto engine = Engine::create(engine_options);
  if (!engine) {
    std::printf("! Engine::create: %s\n", engine.error().message().c_str());
    return 0;
  }
  // A program with one thread may be short of them, and is watched as a whole by its parent.
  Watchdog watchdog(std::chrono::seconds(threads > 1 ? 100 : 0), [](const std::string& call) {
    std::printf("! hang in %s\n", call.c_str());
    std::fflush(stdout);
    std::_Exit(3);
  });
  LoadOptions options;
  options.work = std::chrono::milliseconds(5);
  options.uses_node = false;
  SandboxOptions where;
  where.engine = *engine;
  options.where = {where};
  std::atomic<unsigned> numbers = 0;
  const auto work = [&] {
    for (;;) {
      const unsigned number = numbers++;
      if (count > 0 && number >= static_cast<unsigned>(count)) {
        return;
      }
      // With no phrase, all failures are "unexpected", and their texts are for our parent to judge.
      Tally tally("victim", {});
      use_one(options, 0, number, tally, watchdog);
      const Row row = tally.row();
      for (const std::string& text : row.unexpected) {
        std::printf("! %s\n", text.c_str());
      }
      std::fputs(row.sandboxes > 0 ? ".\n" : "", stdout);
      std::fflush(stdout);
    }
  };
  if (threads == 1) {
    work();
    return 0;
  }
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back(work);
  }
  return 0;
}

void Soak::kill_engines(const Share& share) {
  Phase phase(*this, "engine's program killed", {});
  std::mt19937 random(static_cast<unsigned>(rows_.size()));
  const std::int64_t each = std::max<std::int64_t>(3, share.sandboxes / std::max(1, share.kills));
  for (int i = 0; i < share.kills; ++i) {
    auto victim = start_program(
        self_, {"msb-soak", "victim", home_.path(), std::to_string(kVictimThreads), "0"});
    if (!victim) {
      phase.tally.unexpected(victim.error().message());
      break;
    }
    std::int64_t done = 0;
    const std::int64_t enough = each + static_cast<std::int64_t>(random() % 3);
    watchdog_.watch("sandboxes of a program", [&] {
      while (done < enough) {
        const std::string text = read_some(*victim);
        if (text.empty()) {
          phase.tally.unexpected("the program has ended by itself");
          return;
        }
        if (const std::size_t at = text.find('!'); at != std::string::npos) {
          phase.tally.unexpected(text.substr(at, text.find('\n', at) - at));
        }
        for (const char c : text) {
          done += c == '.' ? 1 : 0;
        }
      }
    });
    (void)victim->process.signal(SIGKILL);
    (void)victim->process.wait();
    phase.tally.killed();
    for (std::int64_t j = 0; j < done; ++j) {
      phase.tally.started();
      phase.tally.ran();
      phase.tally.ran();
    }
    phase.audit(NextStart::kIsStillToCome);
  }
  start_afresh(phase.tally);
  remove_kept();
  phase.end();
}

void Soak::kill_servers(const Share& share) {
  Phase phase(
      *this, "server killed",
      {"failed to send request", "failed to read response", "is not running", "not started"});
  if (share.kills == 0) {
    return phase.skip("no kills were asked for");
  }
  auto server = Server::start(server_, home_.path(), 0);
  if (!server) {
    return phase.skip(server.error().message());
  }
  LoadOptions options;
  SandboxOptions where;
  where.server_url = server->url();
  options.where = {where};
  options.work = std::chrono::milliseconds(10);
  std::atomic<bool> killed = false;
  std::jthread killer([&] {
    std::mt19937 random(static_cast<unsigned>(rows_.size()));
    for (int i = 0; i < share.kills && server; ++i) {
      const std::int64_t before = phase.tally.sandboxes();
      const std::int64_t enough = std::max<std::int64_t>(2, share.sandboxes / share.kills);
      while (phase.tally.sandboxes() < before + enough && !phase.tally.is_hopeless()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10 + random() % 50));
      }
      const int port = server->port();
      server->kill();
      phase.tally.killed();
      server = Server::start(server_, home_.path(), port);
    }
    if (!server) {
      phase.tally.unexpected(server.error().message());
    }
    killed = true;
  });
  run_load(options, phase.tally, watchdog_, [&] { return killed.load(); });
  killer.join();
  if (server) {
    use_one(options, 0, 0, phase.tally, watchdog_);
    server->kill();
    phase.tally.killed();
  }
  server = std::unexpected(Error(ErrorCode::kCancelled, ""));
  ::unlink((home_.path() + "/server.pid").c_str());  // no server follows
  start_afresh(phase.tally);
  remove_kept();
  phase.end();
}

}  // namespace msb::soak
