// SPDX-License-Identifier: Apache-2.0
#include "engine/host_memory.h"

#include <string>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"

namespace msb::engine {
namespace {

constexpr std::size_t kMaxMeminfoBytes = 64 << 10;

// Of a line "<key>   <number> kB".
std::uint64_t bytes_of(std::string_view text, std::string_view key) {
  const std::size_t found = text.find(key);
  if (found == std::string_view::npos) {
    return 0;
  }
  text.remove_prefix(found + key.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return base::parse_number<std::uint64_t>(text.substr(0, text.find(' '))).value_or(0) << 10;
}

}  // namespace

HostMemory read_host_memory() {
  const auto text = base::read_file("/proc/meminfo", kMaxMeminfoBytes);
  if (!text) {
    return {};
  }
  return {.total_bytes = bytes_of(*text, "MemTotal:"),
          .available_bytes = bytes_of(*text, "MemAvailable:")};
}

}  // namespace msb::engine
