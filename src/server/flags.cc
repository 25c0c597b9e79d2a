// SPDX-License-Identifier: Apache-2.0
#include "server/flags.h"

#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "base/parse.h"
#include "rpc/token.h"

namespace msb::server {
namespace {

std::unexpected<Error> invalid(std::string text) {
  return fail(ErrorCode::kInvalidArgument, std::move(text));
}

Result<> set_port(Flags& flags, const std::string& value) {
  const auto port = base::parse_number<std::uint16_t>(value);
  if (!port) {
    return invalid("--port " + value + ": must be 0..65535");
  }
  flags.port = *port;
  return {};
}

Result<> set_lifetime(Flags& flags, const std::string& value) {
  const auto lifetime = rpc::parse_lifetime(value);
  if (!lifetime) {
    return invalid("--expire " + value +
                   ": must be a number with s, m, h, d, w, mo or y; without a "
                   "unit it is hours");
  }
  flags.lifetime = *lifetime;
  return {};
}

// A flag that takes a value.
using Setter = std::function<Result<>(Flags&, const std::string&)>;

Setter text(std::string Flags::* field) {
  return [field](Flags& flags, const std::string& value) -> Result<> {
    flags.*field = value;
    return {};
  };
}

const std::map<std::string_view, Setter>& setters() {
  static const std::map<std::string_view, Setter> all = {
      {"--host", text(&Flags::host)},
      {"--port", set_port},
      {"--path", text(&Flags::namespaces_folder)},
      {"--tls-cert", text(&Flags::tls_certificate_file)},
      {"--tls-key", text(&Flags::tls_key_file)},
      {"--namespace", text(&Flags::namespace_name)},
      {"--expire", set_lifetime},
      {"--key",
       [](Flags& flags, const std::string& value) -> Result<> {
         flags.key.key = value;
         return {};
       }},
      {"--volume-root",
       [](Flags& flags, const std::string& value) -> Result<> {
         flags.volume_roots.push_back(value);
         return {};
       }},
  };
  return all;
}

constexpr std::pair<std::string_view, std::string_view> kShort[] = {
    {"-k", "--key"}, {"-p", "--path"}, {"-n", "--namespace"}, {"-r", "--reset-key"}};

}  // namespace

const char kUsage[] =
    "usage: msb-server start [--host ADDRESS] [--port N] [--dev] [-k, --key KEY | -r, "
    "--reset-key]\n"
    "                        [-p, --path DIR] [--volume-root DIR]... [--tls-cert FILE --tls-key "
    "FILE]\n"
    "       msb-server keygen [--expire 24h] [-n, --namespace NAME]\n"
    "       msb-server mcp\n"
    "\n"
    "start    serves JSON-RPC and MCP until SIGTERM; running calls get their answers\n"
    "keygen   prints an API key that the server of this home accepts\n"
    "mcp      speaks MCP on stdin and stdout\n"
    "\n"
    "  --host ADDRESS      IP address to listen on (127.0.0.1)\n"
    "  --port N            port to listen on (5555); 0 picks a free one\n"
    "  --dev               no keys; loopback only\n"
    "  -k, --key KEY       the key that signs API keys; kept in the home\n"
    "  -r, --reset-key     a new one: API keys issued before are void\n"
    "  -p, --path DIR      where relative host paths of volumes begin, a folder per namespace\n"
    "  --volume-root DIR   callers may mount folders beneath it\n"
    "  --tls-cert, --tls-key FILE   PEM files; serves https\n"
    "  --expire DURATION   30s, 5m, 24h, 7d, 2w, 3mo, 1y\n"
    "  -n, --namespace NAME   the namespace that the key is for ('*': all)\n";

Result<Flags> parse_flags(const std::vector<std::string>& arguments) {
  static const std::map<std::string_view, Flags::Verb> verbs = {
      {"start", Flags::Verb::kStart}, {"keygen", Flags::Verb::kKeygen}, {"mcp", Flags::Verb::kMcp}};
  Flags flags;
  bool has_verb = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    std::optional<std::string> value;
    if (name.starts_with("--")) {
      if (const auto equals = name.find('='); equals != std::string::npos) {
        value = name.substr(equals + 1);
        name.resize(equals);
      }
    }
    for (const auto& [letter, long_name] : kShort) {
      if (name == letter) {
        name = long_name;
      }
    }
    if (name == "-h" || name == "--help") {
      flags.verb = Flags::Verb::kHelp;
      return flags;
    }
    if (name == "-V" || name == "--version") {
      flags.verb = Flags::Verb::kVersion;
      return flags;
    }
    if (name == "--dev" && !value) {
      flags.is_dev_mode = true;
    } else if (name == "--reset-key" && !value) {
      flags.key.reset = true;
    } else if (const auto setter = setters().find(name); setter != setters().end()) {
      if (!value) {
        if (++i == arguments.size()) {
          return invalid(name + ": a value is missing");
        }
        value = arguments[i];
      }
      TRY(setter->second(flags, *value));
    } else if (const auto verb = verbs.find(name); verb != verbs.end() && !has_verb) {
      flags.verb = verb->second;
      has_verb = true;
    } else {
      return invalid("unknown argument '" + name + "'");
    }
  }
  if (flags.key.key && flags.key.reset) {
    return invalid("--key and --reset-key exclude each other");
  }
  return flags;
}

}  // namespace msb::server
