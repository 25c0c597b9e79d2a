// SPDX-License-Identifier: Apache-2.0
#include "isolation/oci/runtime.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/sys.h"

namespace msb::isolation::oci {
namespace {

namespace sys = base::sys;
using Stream = Runtime::Stream;

// The limits are the cgroup's that the runtime is started in; it needs none of its own.
constexpr std::string_view kCrunOptions[] = {"--cgroup-manager=disabled"};
// Rootless is what it calls going on where it cannot make cgroups: all that it changes for root.
constexpr std::string_view kRuncOptions[] = {"--rootless=true"};
// ptrace needs nothing of the host.
constexpr std::string_view kRunscOptions[] = {"--platform=ptrace", "--ignore-cgroups",
                                              "--network=none"};
// gVisor takes a root's files for its own, and does not look at them twice; volumes are in its
// root.
constexpr std::string_view kRunscVolumeOptions[] = {"--file-access=shared"};
// The warden has no keyrings.
constexpr std::string_view kRunWithStream[] = {"--no-new-keyring", "--preserve-fds", "1"};

constexpr Runtime kRuntimes[] = {
    {.name = "crun",
     .package = "crun",
     .stream = Stream::kDescriptor3,
     .makes_sys = false,
     .own_processes = 1,
     .options = kCrunOptions,
     .volume_options = {},
     .run_options = kRunWithStream},
    {.name = "runc",
     .package = "runc",
     .stream = Stream::kDescriptor3,
     .makes_sys = false,
     .own_processes = 32,
     .options = kRuncOptions,
     .volume_options = {},
     .run_options = kRunWithStream},
    {.name = "runsc",
     .package = "runsc",
     .stream = Stream::kStandardInput,
     .makes_sys = true,
     .own_processes = 128,
     .options = kRunscOptions,
     .volume_options = kRunscVolumeOptions,
     .run_options = {}},
};

constexpr std::string_view kFolders[] = {
    "/usr/local/bin/", "/usr/local/sbin/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"};

bool is_roots_alone(const struct stat& status) {
  return S_ISREG(status.st_mode) && status.st_uid == 0 && (status.st_mode & 0111) != 0 &&
         (status.st_mode & 022) == 0;
}

void append(std::vector<std::string>& words, std::span<const std::string_view> more) {
  words.insert(words.end(), more.begin(), more.end());
}

}  // namespace

std::span<const Runtime> known_runtimes() {
  return kRuntimes;
}

const Runtime& find_runtime(std::string_view name) {
  const auto* const found = std::ranges::find(kRuntimes, name, &Runtime::name);
  MSB_CHECK(found != std::end(kRuntimes));
  return *found;
}

Result<std::string> find_program(const Runtime& runtime) {
  const std::string name(runtime.name);
  for (const std::string_view folder : kFolders) {
    std::string path = std::string(folder) + name;
    const auto status = sys::stat(path);
    if (!status) {
      continue;
    }
    if (!is_roots_alone(*status)) {
      return fail(ErrorCode::kUnsupported,
                  path + ": others than root may change it; it would be run as root");
    }
    return path;
  }
  return fail(ErrorCode::kUnsupported, "there is no '" + name +
                                           "' in /usr/local/bin, /usr/bin or /usr/sbin; install "
                                           "it (Debian: apt-get install " +
                                           std::string(runtime.package) + ")");
}

std::vector<std::string> command_line(const Runtime& runtime, const Invocation& invocation) {
  std::vector<std::string> words = {invocation.program, "--root", invocation.state_path};
  append(words, runtime.options);
  if (invocation.has_volumes) {
    append(words, runtime.volume_options);
  }
  words.emplace_back("run");
  append(words, runtime.run_options);
  words.insert(words.end(), {"--bundle", invocation.bundle_path, invocation.id});
  return words;
}

}  // namespace msb::isolation::oci
