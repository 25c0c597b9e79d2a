// SPDX-License-Identifier: Apache-2.0
#include "server/confinement.h"

#include <linux/capability.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/child_process.h"
#include "base/locations.h"
#include "base/privileges.h"
#include "isolation/launcher_client.h"
#include "server/file_access.h"

namespace msb::server {
namespace {

#include "server_filter.inc"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kFilterCalls = false;  // a sanitizer's runtime makes calls of all kinds
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kFilterCalls = false;
#else
constexpr bool kFilterCalls = true;
#endif
#else
constexpr bool kFilterCalls = true;
#endif

constexpr std::uint64_t kKept = base::capability_set({
    CAP_DAC_OVERRIDE,      // volumes and sandboxes' files have owners of all kinds
    CAP_CHOWN,             // the folder of a layer: to one identity, says the filter
    CAP_KILL,              // an unpacker is of that identity: by its pidfd, says the filter
    CAP_NET_BIND_SERVICE,  // ports below 1024
});

// Where name resolution looks, by way of a link that points into /run on many systems.
std::string folder_of_resolver() {
  std::error_code failed;
  const auto real = std::filesystem::canonical("/etc/resolv.conf", failed);
  return failed ? std::string() : real.parent_path().string();
}

std::vector<std::string> readable_by_every_server() {
  std::vector<std::string> paths = {
      "/usr",         "/lib",       "/lib64",        "/etc",
      "/dev/urandom", "/proc/self", "/proc/meminfo", folder_of_resolver()};
  // What curl, OpenSSL and the registry client let the environment say.
  for (const char* name : {"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "DOCKER_CONFIG"}) {
    if (const char* const path = ::getenv(name)) {  // NOLINT(concurrency-mt-unsafe): one thread
      paths.emplace_back(path);
    }
  }
  if (const char* const home = ::getenv("HOME")) {  // NOLINT(concurrency-mt-unsafe): one thread
    paths.push_back(std::string(home) + "/.docker");
  }
  return paths;
}

Result<> start_launcher(const ConfinementOptions& options) {
  isolation::LauncherOptions programs;
  programs.launcher_path = TRY(base::find_program("msb-launcher", {}));
  programs.warden_path = TRY(base::find_program("msb-warden", {}));
  programs.agent_path = TRY(base::find_program("msb-agent", {}));
  programs.unpack_path = TRY(base::find_program("msb-unpack", {}));
  programs.home = options.home;
  programs.tiers = options.tiers;
  programs.volume_roots = options.volume_roots;
  const auto launcher = TRY(isolation::LauncherClient::spawn(programs));
  base::ChildProcess::spawn_through(
      [launcher](const base::ChildSpec& spec) { return launcher->start(spec); });
  return {};
}

}  // namespace

Result<> confine_server(const ConfinementOptions& options) {
  TRY(start_launcher(options));
  TRY(base::forbid_new_privileges());
  FileAccess access{.writable = options.home, .readable = readable_by_every_server()};
  access.readable.insert(access.readable.end(), options.readable_files.begin(),
                         options.readable_files.end());
  // On a kernel without Landlock the other three hold.
  [[maybe_unused]] const bool files = TRY(restrict_files(access));
  TRY(base::keep_capabilities(kKept));
  if (kFilterCalls) {
    TRY(base::install_system_call_filter(kServerFilter));
  }
  return {};
}

}  // namespace msb::server
