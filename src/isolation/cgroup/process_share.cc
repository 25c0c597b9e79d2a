// SPDX-License-Identifier: Apache-2.0
#include "isolation/cgroup/process_share.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"
#include "isolation/cgroup/control_file.h"

namespace msb::isolation::cgroup {
namespace {

std::optional<std::uint64_t> setting(const char* path) {
  const auto text = base::read_file(path, 64);
  if (!text) {
    return std::nullopt;
  }
  return base::parse_number<std::uint64_t>(
      std::string_view(*text).substr(0, text->find_last_not_of('\n') + 1));
}

}  // namespace

std::optional<std::uint64_t> host_process_share() {
  const auto numbers = setting("/proc/sys/kernel/pid_max");
  const auto threads = setting("/proc/sys/kernel/threads-max");
  if (!numbers || !threads) {
    return std::nullopt;
  }
  return process_share(std::min(*numbers, *threads));
}

void limit_engine_processes(const std::string& engine_folder, std::optional<std::uint64_t> share) {
  if (share && ::access((engine_folder + "/pids.max").c_str(), W_OK) == 0) {
    // Where it cannot be set, each sandbox's own limit stands alone.
    [[maybe_unused]] const auto set =
        write_control(engine_folder, "pids.max", std::to_string(*share));
  }
}

}  // namespace msb::isolation::cgroup
