// SPDX-License-Identifier: Apache-2.0
#include "cli/connection.h"

#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/locations.h"
#include "base/try.h"
#include "cli/report.h"
#include "cli/server_program.h"

namespace msb::cli {
namespace {

constexpr char kDefaultUrl[] = "http://127.0.0.1:5555";
constexpr std::size_t kMaxKeyBytes = std::size_t{16} << 10;

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return value != nullptr ? value : "";
}

Result<std::string> read_key(const std::string& path) {
  std::string key = TRY_WRAP(base::read_file(path, kMaxKeyBytes), "--api-key-file");
  key.erase(key.find_last_not_of(" \t\r\n") + 1);
  if (key.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--api-key-file: " + path + " is empty");
  }
  return key;
}

// Nothing: none runs. A look at a home that is not ours to look at tells the same.
std::optional<base::ServerRecord> own_server(const Context& context) {
  const auto home = base::home_folder(context.home);
  if (!home) {
    return std::nullopt;
  }
  const auto looked = base::find_server(*home, base::Starting::kWaitFor);
  if (!looked) {
    return std::nullopt;
  }
  const std::optional<base::FoundServer>& found = *looked;
  if (!found || found->pid == 0 || found->record.url.empty() || found->record.is_ending) {
    return std::nullopt;
  }
  return found->record;
}

// Whoever can read what keys are signed with needs not be asked for one.
Result<std::string> own_key(const Context& context, const base::ServerRecord& server,
                            const std::string& namespace_name) {
  const std::string path = TRY(base::home_folder(context.home)) + "/server.key";
  if (!server.needs_key || ::access(path.c_str(), R_OK) != 0) {
    return std::string();
  }
  std::string key =
      TRY(ask_server_program(context, "keygen", {"--quiet", "--namespace", namespace_name}));
  key.erase(key.find_last_not_of('\n') + 1);
  return key;
}

}  // namespace

void ConnectionFlags::add_to(Arguments& arguments, Namespaces namespaces) {
  arguments.text("-n,--namespace", "NAME",
                 namespaces == Namespaces::kOne ? "Namespace (default)"
                                                : "Namespace (default); '*': all of them",
                 namespace_name);
  arguments.text("--server", "URL", "Server to ask ($MSB_SERVER_URL, or this home's)", server_url);
  arguments.text("--api-key-file", "FILE", "Its API key is in a file ($MSB_API_KEY)", api_key_file);
  arguments.text("--ca-file", "FILE", "Trust these certificates, PEM ($SSL_CERT_FILE)", ca_file);
}

Result<SandboxOptions> connect(const Context& context, const ConnectionFlags& flags) {
  SandboxOptions options;
  options.namespace_ = flags.namespace_name;
  options.http.ca_file = flags.ca_file;
  options.server_url = flags.server_url.empty() ? environment("MSB_SERVER_URL") : flags.server_url;
  options.api_key =
      flags.api_key_file.empty() ? environment("MSB_API_KEY") : TRY(read_key(flags.api_key_file));
  const auto own = own_server(context);
  if (options.server_url.empty()) {
    options.server_url = own ? own->url : kDefaultUrl;
  }
  const bool is_own = own && options.server_url == own->url;
  if (is_own && options.api_key.empty()) {
    options.api_key = TRY(own_key(context, *own, flags.namespace_name));
  }
  if (is_own && options.http.ca_file.empty()) {
    options.http.ca_file = own->certificate;
  }
  if (options.http.ca_file.empty()) {
    options.http.ca_file = environment("SSL_CERT_FILE");
  }
  return options;
}

Result<SandboxOptions> connect_to(const Context& context, const base::ServerRecord& server,
                                  const std::string& namespace_name) {
  SandboxOptions options;
  options.namespace_ = namespace_name;
  options.server_url = server.url;
  options.api_key = TRY(own_key(context, server, namespace_name));
  options.http.ca_file = server.certificate;
  return options;
}

Result<SandboxOptions> connect_to_own(const Context& context, const std::string& namespace_name) {
  const auto own = own_server(context);
  if (!own) {
    return fail(ErrorCode::kNotFound,
                "server is not running; start it with `msb server start --detach`");
  }
  return connect_to(context, *own, namespace_name);
}

int say_remote_error(std::string_view verb, const Error& error, const SandboxOptions& where) {
  if (error.is(ErrorCode::kSandboxNotStarted) && !where.name.empty()) {
    say(verb, "sandbox '" + where.name + "' does not run in namespace '" + where.namespace_ +
                  "'; `msb start` starts it");
    return kOurFailure;
  }
  std::string text = error.message();
  const bool unsent = error.is(ErrorCode::kSendRequestFailed);
  if (error.is(ErrorCode::kApiKeyMustBeSpecified)) {
    text += "; give it a key: MSB_API_KEY or --api-key-file (`msb server keygen` makes one)";
  } else if (unsent && error.cause() == ErrorCode::kPermissionDenied) {
    text += "; trust its certificate with --ca-file";
  } else if (unsent && error.cause() == ErrorCode::kUnavailable) {
    text += "; does a server run at " + where.server_url +
            "? `msb server start --detach` starts one on this host";
  }
  say(verb, text);
  return kOurFailure;
}

}  // namespace msb::cli
