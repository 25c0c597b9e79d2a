// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <unistd.h>

#include <thread>
#include <utility>

namespace msb::soak {
namespace {

constexpr unsigned kKinds = 16;
constexpr std::chrono::milliseconds kPauseAfterFailure{20};

std::string code_of(bool is_node, std::chrono::milliseconds work) {
  if (is_node) {
    return "const begin = Date.now(); while (Date.now() - begin < " + std::to_string(work.count()) +
           ") {}; console.log(6 * 7)";
  }
  return "import time; time.sleep(" + std::to_string(work.count()) + "e-3); print(6 * 7)";
}

class User {
 public:
  User(const LoadOptions& options, Tally& tally, Watchdog& watchdog)
      : options_(options), tally_(tally), watchdog_(watchdog) {}

  bool use(Sandbox& sandbox, Language language, const StartConfig& config) {
    const auto started = watchdog_.watch("start", [&] { return sandbox.start(config); });
    if (!check("start", started)) {
      return false;
    }
    tally_.started();
    const bool ran = run_code(sandbox, language) && run_command(sandbox);
    // Also one that has died: it must take its end without complaint.
    const auto stopped = watchdog_.watch("stop", [&] { return sandbox.stop(); });
    return check("stop", stopped) && ran;
  }

  template <typename T>
  bool check(const std::string& what, const Result<T>& result) {
    if (!result) {
      tally_.failed(what, result.error());
    }
    return result.has_value();
  }

 private:
  bool run_code(Sandbox& sandbox, Language language) {
    const std::string code = code_of(language == Language::kNode, options_.work);
    const auto run = watchdog_.watch("code().run", [&] {
      return sandbox.code(language).run(code,
                                        {.timeout = options_.timeout, .on_output = {}, .stop = {}});
    });
    if (!check("code().run", run)) {
      return false;
    }
    tally_.ran();
    if (run->status() == "died") {
      tally_.interrupted();
      return true;
    }
    if (run->status() != "success" || run->output() != "42") {
      tally_.unexpected("code().run: status " + run->status() + ", output '" + run->output() +
                        "', error '" + run->error() + "'");
      return false;
    }
    return true;
  }

  bool run_command(Sandbox& sandbox) {
    CommandOptions command;
    command.timeout = options_.timeout;
    const auto run = watchdog_.watch(
        "command().run", [&] { return sandbox.command().run("sh", {"-c", "echo out"}, command); });
    if (!check("command().run", run)) {
      return false;
    }
    tally_.ran();
    if (run->exit_code() != 0 || run->output() != "out") {
      tally_.unexpected("command().run: status " + std::to_string(run->exit_code()) + ", output '" +
                        run->output() + "'");
      return false;
    }
    return true;
  }

  const LoadOptions& options_;
  Tally& tally_;
  Watchdog& watchdog_;
};

}  // namespace

bool use_one(const LoadOptions& options, std::size_t place, unsigned number, Tally& tally,
             Watchdog& watchdog) {
  User user(options, tally, watchdog);
  const unsigned kind = number % kKinds;
  SandboxOptions sandbox_options = options.where[place];
  StartConfig config;
  const bool is_kept = kind == 1 || kind == 9;
  if (is_kept) {
    // Of this program and this place alone.
    sandbox_options.name = "soak-" + std::to_string(::getpid()) + "-" + std::to_string(place) +
                           "-" + std::to_string(number);
  } else if (kind == 2) {
    config.ports = {"0:8000"};
    config.exec = "sleep 600";
  }
  if (kind == 3 && options.uses_node) {
    config.image = "microsandbox/node";
    NodeSandbox sandbox(sandbox_options);
    return user.use(sandbox, Language::kNode, config);
  }
  PythonSandbox sandbox(sandbox_options);
  bool good = user.use(sandbox, Language::kPython, config);
  if (is_kept) {
    good = user.check("remove", watchdog.watch("remove", [&] { return sandbox.remove(); })) && good;
  }
  return good;
}

void run_load(const LoadOptions& options, Tally& tally, Watchdog& watchdog,
              const std::function<bool()>& enough) {
  static std::atomic<unsigned> numbers = 0;
  const auto work = [&] {
    while (!enough() && !tally.is_hopeless()) {
      const unsigned number = numbers++;
      const auto places = static_cast<unsigned>(options.where.size());
      if (!use_one(options, number % places, number / places, tally, watchdog)) {
        // A fault that makes every call fail at once is to be met, not counted.
        std::this_thread::sleep_for(kPauseAfterFailure);
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < options.threads; ++i) {
    threads.emplace_back(work);
  }
}

}  // namespace msb::soak
