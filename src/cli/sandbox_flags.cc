// SPDX-License-Identifier: Apache-2.0
#include "cli/sandbox_flags.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <limits>
#include <utility>

#include "base/file.h"
#include "base/parse.h"
#include "base/try.h"
#include "cli/pull_progress.h"
#include "cli/report.h"
#include "msb/engine.h"

namespace msb::cli {
namespace {

constexpr std::size_t kMaxEnvFileBytes = std::size_t{1} << 20;

std::unexpected<Error> refuse(std::string_view text, std::string_view rule) {
  std::string message = "'";
  message.append(text).append("' is not ").append(rule);
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

Arguments::ValueParser mib_into(std::int64_t& into) {
  return [&into](std::string_view text) -> Result<> {
    into = TRY(parse_mib(text));
    return {};
  };
}

}  // namespace

Result<std::int64_t> parse_mib(std::string_view text) {
  std::string unit;
  std::string_view digits = text;
  while (!digits.empty() && std::isalpha(static_cast<unsigned char>(digits.back())) != 0) {
    unit.insert(unit.begin(),
                static_cast<char>(std::tolower(static_cast<unsigned char>(digits.back()))));
    digits.remove_suffix(1);
  }
  std::int64_t factor = 0;
  if (unit.empty() || unit == "m" || unit == "mb" || unit == "mib") {
    factor = 1;
  } else if (unit == "g" || unit == "gb" || unit == "gib") {
    factor = 1024;
  }
  const auto number = base::parse_number<std::int64_t>(digits);
  if (factor == 0 || !number || *number > std::numeric_limits<std::int64_t>::max() / 1024 ||
      *number < std::numeric_limits<std::int64_t>::min() / 1024) {
    return refuse(text, "a size: give MiB (512) or a unit (512m, 2g)");
  }
  return *number * factor;
}

Result<std::vector<std::string>> parse_env_file(std::string_view content, std::string_view path) {
  std::vector<std::string> entries;
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = content.find('\n');
    std::string_view line = content.substr(0, end);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#') {
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      // The line itself may be a secret that lost its name: it is not repeated.
      return fail(ErrorCode::kInvalidArgument,
                  std::string(path) + ":" + std::to_string(number) + ": not of the form KEY=VALUE");
    }
    entries.emplace_back(line);
  }
  return entries;
}

std::string absolute_volume(const std::string& volume, const std::string& current_folder) {
  if (volume.empty() || volume.front() == '/' || volume.front() == ':') {
    return volume;
  }
  const std::size_t colon = volume.find(':');
  std::filesystem::path host = std::filesystem::path(current_folder) / volume.substr(0, colon);
  host = host.lexically_normal();
  if (!host.has_filename()) {
    host = host.parent_path();  // "data/" and "." end in a slash
  }
  return host.string() + (colon == std::string::npos ? "" : volume.substr(colon));
}

void ConfigFlags::add_to(Arguments& arguments) {
  arguments.value("-m,--memory", "MIB", "Memory limit in MiB, or with a unit: 2g (512)",
                  mib_into(config.memory));
  arguments.value("--cpus", "N", "CPU limit in cores, fractions allowed (1)",
                  [this](std::string_view text) -> Result<> {
                    const auto cpus = base::parse_decimal(text);
                    if (!cpus) {
                      return refuse(text, "a number of cores");
                    }
                    config.cpus = *cpus;
                    return {};
                  });
  arguments.value("--disk", "MIB", "Limit on files written inside, in MiB (4096)",
                  mib_into(config.disk));
  arguments.value("--processes", "N", "Limit on processes and threads (512)",
                  [this](std::string_view text) -> Result<> {
                    const auto count = base::parse_number<std::int64_t>(text);
                    if (!count) {
                      return refuse(text, "a number");
                    }
                    config.max_processes = *count;
                    return {};
                  });
  arguments.text("--isolation", "TIER",
                 "Walls: jail, oci:crun, oci:runc, oci:runsc or microvm (jail)", config.isolation);
  arguments.list("-v,--volume", "HOST:GUEST[:ro]", "Show a host file or folder inside; repeatable",
                 config.volumes);
  arguments.list("-p,--publish", "HOST:GUEST", "Reach a guest's port on 127.0.0.1; repeatable",
                 config.ports);
  arguments.list("-e,--env", "KEY=VALUE", "Set an environment variable; repeatable", config.envs);
  arguments.list("--env-file", "FILE", "Set those of a file, a KEY=VALUE a line; repeatable",
                 env_files);
  arguments.text("-w,--workdir", "DIR", "Working directory inside, made if missing",
                 config.workdir);
  arguments.text("-u,--user", "USER", "Run as: a name, a uid or user:group (the image's)",
                 config.user);
}

Arguments::ValueParser timeout_into(std::chrono::milliseconds& into, std::string& text) {
  return [&into, &text](std::string_view given) -> Result<> {
    const auto duration = base::parse_duration(given);
    if (!duration) {
      return refuse(given, "a time: give 500ms, 10s, 2m or 1h");
    }
    into = *duration;
    text = given;
    return {};
  };
}

void SandboxFlags::add_to(Arguments& arguments) {
  ConfigFlags::add_to(arguments);
  arguments.value("--timeout", "TIME", "Kill what runs longer: 500ms, 10s, 2m",
                  timeout_into(timeout, timeout_text));
  arguments.text("--name", "NAME", "Name of the sandbox, and its hostname (random)", options.name);
  arguments.flag("-q,--quiet", "No progress, no warnings on stderr", quiet);
}

bool SandboxFlags::describe_a_sandbox() const {
  const StartConfig none;
  return config.image != none.image || config.memory != none.memory || config.cpus != none.cpus ||
         config.disk != none.disk || config.max_processes != none.max_processes ||
         !config.isolation.empty() || !config.volumes.empty() || !config.ports.empty() ||
         !config.envs.empty() || !env_files.empty() || !config.workdir.empty() ||
         !config.user.empty() || !options.name.empty();
}

Result<> ConfigFlags::complete() {
  std::vector<std::string> from_files;
  for (const std::string& path : env_files) {
    const std::string content = TRY_WRAP(base::read_file(path, kMaxEnvFileBytes), "--env-file");
    std::ranges::move(TRY(parse_env_file(content, path)), std::back_inserter(from_files));
  }
  // An option given by hand wins over the same variable in a file.
  config.envs.insert(config.envs.begin(), from_files.begin(), from_files.end());
  return {};
}

Result<> SandboxFlags::complete() {
  options.is_ephemeral = true;
  TRY(ConfigFlags::complete());
  std::error_code error;
  const std::string current = std::filesystem::current_path(error).string();
  if (!error) {
    for (std::string& volume : config.volumes) {
      volume = absolute_volume(volume, current);
    }
  }
  return {};
}

Result<> make_engine(const Context& context, SandboxFlags& flags) {
  EngineOptions options;
  options.home = context.home;
  flags.options.engine = TRY(Engine::create(options));
  return {};
}

Result<> start(Sandbox& sandbox, const SandboxFlags& flags, const Interrupts& interrupts,
               std::string_view verb) {
  PullProgress progress(flags.quiet ? PullProgress::Style::kSilent : PullProgress::style_of(2));
  StartOptions options;
  options.stop = interrupts.stop_token();
  options.on_progress = progress.callback();
  const auto started = sandbox.start(flags.config, options);
  progress.finish();
  if (!started) {
    return started;
  }
  if (flags.quiet) {
    return {};
  }
  for (const std::string& weakness : sandbox.weaknesses()) {
    say(verb, "warning: " + weakness);
  }
  const bool picked = std::ranges::any_of(
      flags.config.ports, [](const std::string& port) { return port.starts_with("0:"); });
  if (picked) {
    for (const PortMapping& port : sandbox.ports()) {
      say(verb, "127.0.0.1:" + std::to_string(port.host) + " reaches port " +
                    std::to_string(port.guest) + " of the sandbox");
    }
  }
  return {};
}

}  // namespace msb::cli
