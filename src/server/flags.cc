// SPDX-License-Identifier: Apache-2.0
#include "server/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "rpc/token.h"

namespace msb::server {
namespace {

// A flag that takes a value; the last one given counts.
template <typename T>
CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& value_name,
                       T& into, const std::string& about) {
  return app.add_option(names, into, about)
      ->option_text(value_name)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::string is_time(const std::string& text) {
  return rpc::parse_lifetime(text) ? "" : "'" + text + "' is not a time; give 30s, 24h, 7d";
}

void add_volume_root(CLI::App& app, Flags& flags) {
  app.add_option("--volume-root", flags.volume_roots,
                 "Callers may mount what is beneath; repeatable")
      ->option_text("DIR")
      ->allow_extra_args(false);
}

void add_isolation(CLI::App& app, Flags& flags) {
  app.add_option("--isolation", flags.isolation,
                 "Walls that callers may choose, the first unless they do:\njail, oci:crun, "
                 "oci:runc, oci:runsc, microvm (jail)")
      ->option_text("TIER,...")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_pool(CLI::App& app, Flags& flags) {
  engine::PoolOptions& pool = flags.pool;
  add_value(
      app, "--pool", "N", pool.max_spares,
      "Keep up to so many sandboxes ready for starts to come,\nas starts suggest (8); 0: none")
      ->check(CLI::Range(0, 1024));
  add_value(app, "--pool-min", "N", pool.min_spares, "of each image in demand no fewer than (1)")
      ->check(CLI::Range(0, 1024));
  app.add_option_function<std::string>(
         "--pool-half-life",
         [&pool](const std::string& text) { pool.half_life = *rpc::parse_lifetime(text); },
         "without starts half as many after (30s)")
      ->option_text("TIME")
      ->check(is_time);
  app.add_option_function<std::uint64_t>(
         "--pool-reserve", [&pool](std::uint64_t mib) { pool.reserved_memory_bytes = mib << 20; },
         "and none with less memory available (an eighth of all)")
      ->option_text("MIB")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 24));
}

void describe_start(CLI::App& app, Flags& flags) {
  app.description(
      "Serve the sandboxes of this host over HTTP: JSON-RPC for the SDKs, MCP for agents. One\n"
      "server for each home; where one runs already that is said, and is a success.");
  add_value(app, "--host", "ADDRESS", flags.host, "IP address to listen on (127.0.0.1)");
  add_value(app, "--port", "N", flags.port, "Port to listen on (5555); 0 picks a free one")
      ->check(CLI::Range(0, 65535));
  app.add_flag("--dev", flags.is_dev_mode, "Development mode: no keys, loopback only");
  auto* const key =
      add_value(app, "-k,--key", "KEY", flags.key.key, "Sign API keys with this from now on");
  app.add_flag("-r,--reset-key", flags.key.reset, "Sign with a new key: all API keys become void")
      ->option_text(" ")  // instead of "Excludes: --key"
      ->excludes(key);
  add_value(app, "-p,--path", "DIR", flags.namespaces_folder,
            "Relative host paths of volumes begin here, in a\nfolder for each namespace "
            "($MSB_HOME/namespaces)");
  add_volume_root(app, flags);
  add_isolation(app, flags);
  add_pool(app, flags);
  auto* const certificate = add_value(app, "--tls-cert", "FILE", flags.tls_certificate_file,
                                      "Serve https with this certificate chain (PEM)");
  auto* const private_key =
      add_value(app, "--tls-key", "FILE", flags.tls_key_file, "and this private key (PEM)");
  certificate->needs(private_key);
  private_key->needs(certificate);
  app.add_flag("-d,--detach", flags.is_detached, "Go on in the background; return when it answers");
  app.footer(
      "Examples:\n"
      "  msb server start --dev\n"
      "  msb server start --detach && export MSB_API_KEY=$(msb server keygen --quiet)\n"
      "  msb server start --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem\n"
      "\n"
      "The key that signs is kept in $MSB_HOME/server.key. ps shows what --key was given; whoever\n"
      "minds writes that file instead.\n"
      "\n"
      "The first SIGTERM or ^C lets running calls finish, for half a minute at most; the second\n"
      "ends the server at once. Sandboxes end with it; their files and definitions stay.");
}

void describe_keygen(CLI::App& app, Flags& flags) {
  app.description("Make an API key for the server of this home, which has been started before.");
  app.add_option_function<std::string>(
         "--expire",
         [&flags](const std::string& text) { flags.lifetime = *rpc::parse_lifetime(text); },
         "Valid so long: 30s, 5m, 24h, 7d, 2w, 3mo, 1y (24h)")
      ->option_text("TIME")
      ->check(is_time);
  add_value(app, "-n,--namespace", "NAME", flags.namespace_name,
            "Valid for this namespace only ('*': all)");
  app.add_flag("-q,--quiet", flags.is_quiet, "Print the key alone");
  app.footer(
      "Examples:\n"
      "  msb server keygen --expire 30d --namespace team-a\n"
      "  export MSB_API_KEY=$(msb server keygen --quiet)");
}

void describe_mcp(CLI::App& app, Flags& flags) {
  app.description(
      "Speak MCP on stdin and stdout, for desktop programs that start their tools themselves. No\n"
      "server is needed: sandboxes run in this process and end with it.");
  add_volume_root(app, flags);
  add_isolation(app, flags);
  add_pool(app, flags);
  app.footer(
      "Examples:\n"
      "  claude mcp add sandbox -- msb mcp --volume-root ~/project\n"
      "  npx @modelcontextprotocol/inspector msb mcp");
}

struct VerbEntry {
  std::string_view word;
  Flags::Verb verb;
  std::string_view called;
  void (*describe)(CLI::App&, Flags&);
};

constexpr std::array kVerbs = {
    VerbEntry{"start", Flags::Verb::kStart, "server start", describe_start},
    VerbEntry{"keygen", Flags::Verb::kKeygen, "server keygen", describe_keygen},
    VerbEntry{"mcp", Flags::Verb::kMcp, "mcp", describe_mcp},
};

const VerbEntry* find_verb(const std::vector<std::string>& arguments) {
  const auto* const found = arguments.empty()
                                ? kVerbs.end()
                                : std::ranges::find(kVerbs, arguments.front(), &VerbEntry::word);
  return found == kVerbs.end() ? nullptr : found;
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(26); }
  std::string make_usage(const CLI::App* /*app*/, std::string name) const override {
    return "Usage: " + name + " [OPTIONS]\n";
  }
  std::string make_description(const CLI::App* app) const override {
    return app->get_description() + "\n\n";
  }
};

// The working folder of a detached server is another one.
void make_absolute(std::string& path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error);
  if (!path.empty() && !error) {
    path = absolute.lexically_normal().string();
  }
}

}  // namespace

std::string verb_called(const std::vector<std::string>& arguments) {
  const VerbEntry* const entry = find_verb(arguments);
  return entry == nullptr ? "" : std::string(entry->called);
}

Result<Flags> parse_flags(const std::vector<std::string>& arguments) {
  Flags flags;
  if (arguments.empty() || arguments.front() == "-h" || arguments.front() == "--help") {
    flags.help_text =
        "msb-server serves sandboxes; msb calls it: see msb server --help and msb mcp --help.\n";
    return flags;
  }
  if (arguments.front() == "-V" || arguments.front() == "--version") {
    flags.verb = Flags::Verb::kVersion;
    return flags;
  }
  const VerbEntry* const entry = find_verb(arguments);
  if (entry == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                "unknown verb '" + arguments.front() + "'; give start, keygen or mcp");
  }
  flags.verb = entry->verb;
  CLI::App app("", "msb " + std::string(entry->called));
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "Print this help");
  add_value(app, "--home", "DIR", flags.home, "Where images and sandboxes are kept ($MSB_HOME)");
  entry->describe(app, flags);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend() - 1));
  } catch (const CLI::CallForHelp&) {
    flags.verb = Flags::Verb::kHelp;
    flags.help_text = app.help();
    return flags;
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::kInvalidArgument,
                std::string(error.what()) + " (see msb " + std::string(entry->called) + " --help)");
  }
  for (std::string* path :
       {&flags.namespaces_folder, &flags.tls_certificate_file, &flags.tls_key_file}) {
    make_absolute(*path);
  }
  return flags;
}

}  // namespace msb::server
